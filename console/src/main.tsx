import { render } from "preact";
import { Api } from "./api";
import { App } from "./app";
import { Session, signInError } from "./auth";
import { loadConfig } from "./config";
import { SignInPage } from "./sign-in";
import "./style.css";

async function start(root: HTMLElement): Promise<void> {
  const config = await loadConfig();
  if (config.auth === "none") {
    render(<App api={new Api(config.apiUrl, null)} isOperator onSignOut={null} />, root);
    return;
  }
  const session = new Session(config.auth);
  const signedIn = await session.resume();
  render(
    signedIn ? (
      <App
        api={new Api(config.apiUrl, () => session.token())}
        isOperator={session.isOperator()}
        onSignOut={() => session.signOut()}
      />
    ) : (
      <SignInPage error={signInError()} onSignIn={() => void session.signIn()} />
    ),
    root,
  );
}

const root = document.getElementById("app");
if (root) {
  start(root).catch((error: Error) => {
    root.replaceChildren(Object.assign(document.createElement("p"), { className: "fatal", textContent: error.message }));
  });
}
