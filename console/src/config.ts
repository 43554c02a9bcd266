/** Where the API is and how callers sign in: `config.json` beside the page, which the stack writes. */

export interface SignIn {
  authorizeUrl: string;
  tokenUrl: string;
  logoutUrl: string;
  clientId: string;
  scopes: string[];
}

export interface Config {
  apiUrl: string;
  auth: "none" | SignIn;
}

export async function loadConfig(): Promise<Config> {
  const answer = await fetch("config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`config.json could not be read: ${answer.status}`);
  return answer.json();
}
