/**
 * Sign-in at the user pool's hosted page: authorization code with PKCE (RFC 7636).
 *
 * Tokens stay in memory. A reload signs in again through the hosted page's own session, without a question.
 */
import type { SignIn } from "./config";

const VERIFIER = "pkce-verifier";
const STATE = "sign-in-state";
const SIGNED_IN = "was-signed-in";
/** Renewed this long before it expires. */
const MARGIN_MS = 60_000;

interface Tokens {
  access: string;
  refresh: string | null;
  expiresAt: number;
}

export class Session {
  private tokens: Tokens | null = null;

  constructor(private readonly settings: SignIn) {}

  /** Finish a sign-in that returns to this page, or start one if there was one before. Returns whether the user is signed in. */
  async resume(): Promise<boolean> {
    const query = new URLSearchParams(location.search);
    const code = query.get("code");
    if (code && query.get("state") === sessionStorage.getItem(STATE)) {
      await this.request({
        grant_type: "authorization_code",
        code,
        redirect_uri: pageAddress(),
        code_verifier: sessionStorage.getItem(VERIFIER) ?? "",
      });
      sessionStorage.setItem(SIGNED_IN, "yes");
      history.replaceState(null, "", pageAddress() + location.hash);
      return true;
    }
    if (sessionStorage.getItem(SIGNED_IN) && !query.get("error")) {
      await this.signIn();
      return new Promise(() => {}); // the page is being left
    }
    return false;
  }

  async signIn(): Promise<void> {
    const verifier = randomText();
    const state = randomText();
    sessionStorage.setItem(VERIFIER, verifier);
    sessionStorage.setItem(STATE, state);
    const challenge = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    location.assign(
      `${this.settings.authorizeUrl}?${new URLSearchParams({
        response_type: "code",
        client_id: this.settings.clientId,
        redirect_uri: pageAddress(),
        scope: this.settings.scopes.join(" "),
        state,
        code_challenge: base64url(new Uint8Array(challenge)),
        code_challenge_method: "S256",
      })}`,
    );
  }

  signOut(): void {
    this.tokens = null;
    sessionStorage.clear();
    const query = new URLSearchParams({ client_id: this.settings.clientId, logout_uri: pageAddress() });
    location.assign(`${this.settings.logoutUrl}?${query}`);
  }

  /** A token that is valid now. */
  async token(): Promise<string> {
    if (!this.tokens) throw new Error("nobody is signed in");
    if (Date.now() > this.tokens.expiresAt - MARGIN_MS) {
      if (this.tokens.refresh) {
        await this.request({ grant_type: "refresh_token", refresh_token: this.tokens.refresh });
      } else {
        await this.signIn();
      }
    }
    return this.tokens.access;
  }

  /** Whether the person who is signed in is an operator; the API decides it by the same claims. */
  isOperator(): boolean {
    const claims = JSON.parse(atob((this.tokens?.access.split(".")[1] ?? "e30").replace(/-/g, "+").replace(/_/g, "/")));
    const scopes: string[] = String(claims.scope ?? "").split(" ");
    const groups: string[] = claims["cognito:groups"] ?? [];
    return groups.includes("operators") || scopes.some((scope) => scope.replace("img-pipeline/", "") === "files:operate");
  }

  private async request(form: Record<string, string>): Promise<void> {
    const answer = await fetch(this.settings.tokenUrl, {
      method: "POST",
      body: new URLSearchParams({ client_id: this.settings.clientId, ...form }),
    });
    if (!answer.ok) {
      sessionStorage.removeItem(SIGNED_IN);
      throw new Error(`the sign-in was refused (${answer.status}): reload the page and sign in again`);
    }
    const body = await answer.json();
    this.tokens = {
      access: body.access_token,
      refresh: body.refresh_token ?? this.tokens?.refresh ?? null,
      expiresAt: Date.now() + 1000 * body.expires_in,
    };
  }
}

/** Why the sign-in page sent nobody back. */
export function signInError(): string | null {
  const query = new URLSearchParams(location.search);
  return query.get("error_description") ?? query.get("error");
}

function pageAddress(): string {
  return location.origin + location.pathname;
}

function randomText(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}
