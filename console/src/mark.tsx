export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M7 22l6-8 4.5 6 2.5-3 5 5z" />
      <circle cx="21" cy="11" r="2.5" />
    </svg>
  );
}
