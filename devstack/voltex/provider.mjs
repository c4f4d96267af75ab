// One OpenID provider on loopback, real in every answer it gives: PKCE, step-up by `acr_values` and `max_age`, intents
// by `authorization_details` (RFC 9396), access tokens for one resource as RFC 9068 wants them. It knows the personas of
// its configuration file (argument 1) and nothing of Ora's services. For development: passwords are in that file.
// Beside that it is the trade's register of licences: POST /register/licences says whether a number is a persona's.
import { readFileSync } from 'node:fs';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider, errors, interactionPolicy } from 'oidc-provider';
import { page } from './page.mjs';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const [weak, strong] = config.acr_levels;
const personas = new Map(config.personas.map((each) => [each.name, each]));
const bySubject = new Map(config.personas.map((each) => [each.subject, each]));
const SCOPES = 'openid profile offline_access';
const LONGEST_BODY = 8192;

const { Check, base } = interactionPolicy;
const policy = base();
policy.get('login').checks.add(new Check('acr_insufficient', 'a stronger login is asked for', (ctx) => (
  (ctx.oidc.params.acr_values ?? '').split(' ').includes(strong) && ctx.oidc.session?.acr !== strong
    ? Check.REQUEST_PROMPT
    : Check.NO_NEED_TO_PROMPT
)));

// An intent names what is allowed once: strings and numbers, no nesting, no secret.
function checkIntent(ctx, detail) {
  const plain = Object.values(detail).every((each) => ['string', 'number'].includes(typeof each));
  if (!plain || JSON.stringify(detail).length > 1024) {
    throw new errors.InvalidAuthorizationDetails('an intent has strings and numbers only, at most 1024 characters');
  }
}

function intentsOf(ctx) {
  const asked = ctx.oidc.params.authorization_details;
  return asked === undefined ? undefined : JSON.parse(asked);
}

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const native = {
  token_endpoint_auth_method: 'none',
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  id_token_signed_response_alg: 'ES256',
  require_auth_time: true,
  authorization_details_types: config.intents,
};

const provider = new Provider(config.issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
  clients: [{ ...native, client_id: config.client_id, redirect_uris: config.redirect_uris }],
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  acrValues: config.acr_levels,
  claims: { openid: ['sub'], acr: null, amr: null, auth_time: null, profile: ['name'] },
  scopes: SCOPES.split(' ').filter((each) => each !== 'profile'),
  ttl: {
    AccessToken: config.access_token_seconds,
    AuthorizationCode: 60,
    Grant: 86400,
    IdToken: 600,
    Interaction: 600,
    RefreshToken: 86400,
    Session: 86400,
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: async (ctx, client, code) => code.scopes.has('offline_access'),
  findAccount: (ctx, id) => {
    const persona = bySubject.get(id);
    return persona && { accountId: id, claims: () => ({ sub: id, name: persona.display_name }) };
  },
  async extraTokenClaims(ctx, token) {
    const persona = bySubject.get(token.accountId);
    const login = ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.RefreshToken;
    return { role: persona.roles, org: persona.org, acr: login.acr, amr: login.amr, auth_time: login.authTime };
  },
  formats: {
    customizers: { jwt: async (ctx, token, parts) => { parts.payload.nbf = parts.payload.iat; } },
  },
  features: {
    devInteractions: { enabled: false },
    claimsParameter: { enabled: true },
    revocation: { enabled: true },
    // RFC 9449: who shows a key when asking for a token gets one that is bound to it.
    dPoP: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => config.resource,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource) => {
        if (resource !== config.resource) throw new errors.InvalidTarget();
        return {
          scope: 'api',
          audience: config.audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: config.access_token_seconds,
          jwt: { sign: { alg: 'ES256' } },
        };
      },
    },
    richAuthorizationRequests: {
      enabled: true,
      types: Object.fromEntries(config.intents.map((type) => [type, { validate: checkIntent }])),
      authorizationDetailsForGrantSource: (ctx) => intentsOf(ctx),
      // Of a code alone: a refreshed token does not carry an intent that was meant for one act.
      authorizationDetailsForAccessToken: (ctx, token, source, grantType) => (
        grantType === 'authorization_code' ? source.rar : undefined
      ),
      authorizationDetailsForIntrospection: (ctx, token) => token.rar,
    },
  },
  interactions: { policy, url: (ctx, interaction) => `/login/${interaction.uid}` },
});

async function readBody(req) {
  let body = '';
  for await (const chunk of req) {
    body += chunk;
    if (body.length > LONGEST_BODY) throw new Error('the form is too long');
  }
  return body;
}

async function readForm(req) {
  return new URLSearchParams(await readBody(req));
}

async function register(req, res) {
  const asked = JSON.parse(await readBody(req));
  const holder = [...personas.values()].find((each) => each.licence && each.licence === asked.number);
  const said = { verdict: 'NOT_FOUND' };
  if (holder) {
    said.verdict = holder.subject === asked.subject ? 'IN_FORCE' : 'HOLDER_MISMATCH';
    said.class = 'Electrician';
    said.expires = new Date(Date.now() + 365 * 86400e3).toISOString();
    said.reference = randomBytes(8).toString('hex');
  }
  res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(said));
}

async function grantFor(details, accountId) {
  const known = details.grantId && await provider.Grant.find(details.grantId);
  const grant = known || new provider.Grant({ accountId, clientId: details.params.client_id });
  grant.addOIDCScope(SCOPES);
  grant.addResourceScope(config.resource, 'api');
  return { consent: { grantId: await grant.save() } };
}

function loginOf(form) {
  const persona = personas.get(form.get('user'));
  const otp = form.get('otp');
  if (!persona || persona.password !== form.get('password') || (otp && otp !== persona.otp)) return undefined;
  return { accountId: persona.subject, acr: otp ? strong : weak, amr: otp ? ['pwd', 'otp'] : ['pwd'], remember: true };
}

async function interact(req, res) {
  const details = await provider.interactionDetails(req, res);
  const wantsJson = (req.headers.accept ?? '').includes('application/json');
  const shown = {
    prompt: details.prompt.name,
    reasons: details.prompt.reasons,
    acr_values: details.params.acr_values,
    max_age: details.params.max_age,
    intents: details.params.authorization_details,
  };
  const show = (status, error) => {
    res.writeHead(status, { 'content-type': wantsJson ? 'application/json' : 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    res.end(wantsJson ? JSON.stringify({ ...shown, error }) : page(config, shown, error));
  };
  if (req.method !== 'POST') return show(200);
  const form = await readForm(req);
  let result = {};
  let accountId = details.session?.accountId;
  if (details.prompt.name === 'login') {
    const login = loginOf(form);
    if (!login) return show(401, 'no such user, password or code');
    accountId = login.accountId;
    result = { login };
  }
  const sameAccount = accountId === details.session?.accountId;
  const consent = await grantFor(sameAccount ? details : { params: details.params }, accountId);
  return provider.interactionFinished(req, res, { ...result, ...consent }, { mergeWithLastSubmission: true });
}

for (const event of ['server_error', 'authorization.error', 'grant.error']) {
  provider.on(event, (ctx, error) => console.error(event, error.error ?? error, error.error_description ?? ''));
}
const answer = provider.callback();
const server = createServer((req, res) => {
  const own = req.url.startsWith('/login/') ? interact : req.url === '/register/licences' ? register : undefined;
  if (!own) return answer(req, res);
  return own(req, res).catch((error) => {
    console.error(own.name, error.message);
    res.writeHead(error.status ?? 400, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
  });
});
const { hostname, port } = new URL(config.issuer);
server.listen(port, hostname, () => console.log(`serves ${config.issuer}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => { server.close(() => process.exit(0)); server.closeAllConnections(); });
