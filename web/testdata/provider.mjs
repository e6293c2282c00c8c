// A real identity provider for the tests: oidc-provider with accounts, groups and keys that a test changes while it runs.
// It prints one line of JSON with its issuer, and ends when its standard input does.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

const accounts = new Map(); // login → claims
let clients = [];
let keys = newKeys();
let provider, handle;

function newKeys() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: String(Math.random()).slice(2) }];
}

// build makes the provider anew with the clients and keys of now; its sessions live on.
function build(issuer, port) {
  provider = new Provider(issuer, {
    clients, jwks: { keys }, cookies: { keys: ["test"], names: { session: `_s${port}`, interaction: `_i${port}`, resume: `_r${port}` } },
    scopes: ["openid", "profile", "email", "groups"],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
    findAccount: (_, sub) => accounts.has(sub) && { accountId: sub, claims: () => ({ sub, ...accounts.get(sub) }) },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    fetch: (url, { dispatcher, ...options }) => fetch(url, options), // the default refuses this machine
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  });
  handle = provider.callback();
}

async function body(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function interaction(req, res) {
  const { prompt, params, session } = await provider.interactionDetails(req, res);
  if (prompt.name === "consent") {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
  }
  if (req.method !== "POST") {
    res.setHeader("Content-Type", "text/html");
    return res.end('<!doctype html><title>Log in</title><form method="post"><input id="login" name="login"><button id="go">Log in</button></form>');
  }
  const accountId = new URLSearchParams(await body(req)).get("login");
  return provider.interactionFinished(req, res, { login: { accountId } }, { mergeWithLastSubmission: false });
}

const server = createServer((req, res) => {
  const { port } = server.address();
  const change = {
    "/test/account": ({ login, claims }) => accounts.set(login, claims),
    "/test/client": (client) => (clients = [client]),
    "/test/rotate": () => (keys = newKeys()),
  }[req.url];
  if (change) {
    void body(req).then((text) => {
      change(JSON.parse(text));
      if (req.url !== "/test/account") build(`http://localhost:${port}`, port);
      res.end("ok");
    });
  } else if (req.url.startsWith("/interaction/")) {
    interaction(req, res).catch((err) => {
      res.statusCode = 500;
      res.end(String(err));
    });
  } else {
    handle(req, res);
  }
});
server.listen(0, "localhost", () => {
  const { port } = server.address();
  build(`http://localhost:${port}`, port);
  console.log(JSON.stringify({ issuer: `http://localhost:${port}` }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
