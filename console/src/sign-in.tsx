import { Mark } from "./mark";

export function SignInPage({ error, onSignIn }: { error: string | null; onSignIn: () => void }) {
  return (
    <main class="sign-in">
      <Mark />
      <h1>img-pipeline</h1>
      <p>Upload pictures, follow their jobs and see what became of them.</p>
      {error && <p class="bad" role="alert">{`The sign-in was refused: ${error}`}</p>}
      <button type="button" class="primary" onClick={onSignIn}>
        Sign in
      </button>
    </main>
  );
}
