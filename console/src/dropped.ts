/** The files of a drop, those in dropped folders too. */
export async function filesOf(transfer: DataTransfer | null): Promise<File[]> {
  // Everything is taken before the first wait, after which the browser forgets it.
  const dropped = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  return (await Promise.all(dropped.filter((each) => each !== null).map(filesIn))).flat();
}

async function filesIn(entry: FileSystemEntry | File): Promise<File[]> {
  if (entry instanceof File) return [entry];
  if (isFile(entry)) return [await new Promise<File>((resolve, reject) => entry.file(resolve, reject))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const files: File[] = [];
  for (;;) {
    // A reader gives a folder in portions, and an empty one at its end.
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return files;
    files.push(...(await Promise.all(portion.filter((each) => !each.name.startsWith(".")).map(filesIn))).flat());
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
