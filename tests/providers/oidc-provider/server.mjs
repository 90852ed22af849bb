// An OAuth 2.0 authorization server that nobody here wrote (npm package oidc-provider), put at FotoWeb's paths.
// Only the paths, the login and consent pages and /fotoweb/me are ours. See README.md.
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { Provider } from 'oidc-provider';

URL.parse ??= (url, base) => { try { return new URL(url, base); } catch { return null; } }; // Node 20 lacks it

const {
  PORT = '9400', HOST = '127.0.0.1',
  CLIENT_ID = 'demo', CLIENT_SECRET = 'demo-secret',
  REDIRECT_URIS = 'http://localhost:8000/oauth2/callback',
  ACCESS_TOKEN_TTL = '3600', REFRESH_TOKEN_TTL = '86400', CODE_TTL = '60',
  REFRESH = '1', ROTATE = '1', AUTO_LOGIN = '0', PASSWORD = 'secret', TOKEN_DELAY_MS = '0',
} = process.env;
const autoLogin = AUTO_LOGIN === '1';

const server = createServer().listen(Number(PORT), HOST); // PORT=0 takes a free port
await once(server, 'listening');
const { port } = server.address();
const base = `http://${HOST}:${port}`;

// By way of a text: to export the very key that was generated as a JWK hangs for ever in Node 20, once in a hundred times
// (a lock that a garbage collection in the middle of it wants too).
const privateKey = createPrivateKey(generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey);

const provider = new Provider(base, {
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    redirect_uris: REDIRECT_URIS.split(/\s+/).filter(Boolean),
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  routes: {
    authorization: '/fotoweb/oauth2/authorize',
    token: '/fotoweb/oauth2/token',
    userinfo: '/rig/userinfo',
    jwks: '/rig/jwks',
    revocation: '/rig/revoke',
    end_session: '/rig/logout',
  },
  responseTypes: ['code'],
  clientAuthMethods: ['client_secret_post'],
  scopes: ['openid', 'offline_access', 'fotoweb'],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  clockTolerance: 0, // the default lets tokens live 15 s longer than it says
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: { enabled: false },
  },
  pkce: { required: () => true },
  issueRefreshToken: () => REFRESH === '1',
  rotateRefreshToken: ROTATE === '1',
  expiresWithSession: () => false,
  ttl: {
    AccessToken: Number(ACCESS_TOKEN_TTL), RefreshToken: Number(REFRESH_TOKEN_TTL), AuthorizationCode: Number(CODE_TTL),
    Grant: 864000, IdToken: 3600, Interaction: 3600, Session: 864000,
  },
  interactions: { url: (ctx, { uid }) => `/fotoweb/login/${uid}` },
  findAccount: (ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: id, preferred_username: id, email: `${id}@example.test`, email_verified: true }),
  }),
  cookies: { keys: [randomBytes(32).toString('hex')] },
  jwks: { keys: [privateKey.export({ format: 'jwk' })] },
  renderError: (ctx, out) => {
    ctx.type = 'html';
    ctx.body = page('Error', Object.entries(out).map(([key, value]) => `<p>${key}: ${escape(value)}</p>`).join(''));
  },
  clientBasedCORS: () => false,
});

const escape = (value) => String(value).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

const page = (title, body) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px sans-serif;max-width:24em;margin:4em auto}input{display:block;margin:.3em 0 1em;width:100%}</style>
<h1>${title}</h1>${body}</html>`;

const loginForm = (wasWrong) => `${wasWrong ? '<p role="alert">Wrong user name or password.</p>' : ''}
<form method="post"><label>User name <input name="username" autofocus></label>
<label>Password <input name="password" type="password"></label><button>Log in</button></form>`;

const consentForm = (clientId, user) => `<p><b>${escape(clientId)}</b> asks for access as <b>${escape(user)}</b>.</p>
<form method="post"><button name="allow" value="1">Allow</button> <button name="deny" value="1">Deny</button></form>`;

async function interaction(ctx) {
  const details = await provider.interactionDetails(ctx.req, ctx.res);
  const form = new URLSearchParams(ctx.method === 'POST' ? await text(ctx.req) : '');
  const finish = async (result) => {
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
    ctx.status = 303;
  };
  if (form.has('deny')) return finish({ error: 'access_denied', error_description: 'the user denied the request' });
  ctx.type = 'html';
  return details.prompt.name === 'login' ? login(ctx, form, finish) : consent(ctx, form, finish, details);
}

async function login(ctx, form, finish) {
  const user = autoLogin ? 'demo' : form.get('username');
  if (autoLogin || (user && form.get('password') === PASSWORD)) return finish({ login: { accountId: user } });
  ctx.body = page('Log in', loginForm(form.size > 0));
}

async function consent(ctx, form, finish, { params, session, grantId }) {
  if (!autoLogin && !form.has('allow')) {
    ctx.body = page('Authorize application', consentForm(params.client_id, session.accountId));
    return;
  }
  const grant = (grantId && await provider.Grant.find(grantId))
    || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  await finish({ consent: { grantId: await grant.save() } });
}

async function me(ctx) {
  const [, value] = /^bearer ([^ ]+)$/i.exec(ctx.get('authorization')) ?? [];
  const token = value && await provider.AccessToken.find(value);
  if (token) {
    ctx.body = { username: token.accountId, client_id: token.clientId, expires_in: token.remainingTTL };
    return;
  }
  ctx.status = 401;
  ctx.set('WWW-Authenticate', `Bearer realm="fotoweb"${value ? ', error="invalid_token"' : ''}`);
  ctx.body = { error: value ? 'invalid_token' : 'missing_token' };
}

// Ends one access token alone; /rig/revoke ends its grant, refresh token and all.
async function endToken(ctx) {
  const token = await provider.AccessToken.find(ctx.query.token);
  if (token) await token.destroy();
  ctx.body = token ? 'ended' : 'unknown';
}

provider.use(async (ctx, next) => {
  if (ctx.path === '/rig/end') return endToken(ctx);
  if (ctx.path === '/fotoweb/me') return me(ctx);
  if (ctx.path.startsWith('/fotoweb/login/')) return interaction(ctx);
  // FotoWeb takes the client's credentials in the body only; oidc-provider would take a Basic header as well.
  if (ctx.path === '/fotoweb/oauth2/token') {
    delete ctx.req.headers.authorization;
    await setTimeout(Number(TOKEN_DELAY_MS));
  }
  // FotoWeb has no scope parameter: a request without one gets this default (RFC 6749, 3.3).
  if (ctx.path === '/fotoweb/oauth2/authorize' && !ctx.query.scope) ctx.query = { ...ctx.query, scope: 'fotoweb' };
  return next();
});
for (const event of ['authorization.error', 'grant.error', 'server_error']) {
  provider.on(event, (ctx, error) => {
    console.log(`${event}: ${error.error ?? error} (${error.error_detail ?? error.error_description ?? ''})`);
  });
}
provider.on('grant.success', (ctx) => console.log(`grant.success: ${ctx.oidc.params.grant_type}`));

// SIGUSR2 pulls the plug or puts it back: the port refuses connections meanwhile, and nothing is forgotten.
process.on('SIGUSR2', () => {
  if (server.listening) {
    server.close(() => console.log('unplugged'));
    server.closeAllConnections();
  } else {
    server.listen(port, HOST, () => console.log('plugged in'));
  }
});
setInterval(() => {}, 60_000); // Unplugged, nothing else would keep the process alive.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));

server.on('request', provider.callback());
console.log(`ready ${base}`);
