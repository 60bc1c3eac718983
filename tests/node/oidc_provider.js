// An OpenID provider for programs (client_credentials) that makes JWT access tokens.
// One argument, JSON: issuer, keys (private JWKs, the first one of an algorithm signs), clients, and the file
// descriptor of a listening socket. A client has an id, a secret, and claims that its tokens hold.
import http from 'node:http'
import Provider from 'oidc-provider'

const settings = JSON.parse(process.argv[2])
const scope = ['read', 'search', 'store', 'delete'].map((name) => `dicomweb.${name}`).join(' ')

const provider = new Provider(settings.issuer, {
  jwks: { keys: settings.keys },
  clients: settings.clients.map(({ id, secret }) => ({
    client_id: id,
    client_secret: secret,
    id_token_signed_response_alg: settings.keys[0].alg,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  })),
  extraTokenClaims: (_context, token) => settings.clients.find(({ id }) => id === token.clientId).claims,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        scope,
        audience: resource,
        accessTokenTTL: 600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: settings.keys[0].alg } },
      }),
    },
  },
})

http.createServer(provider.callback()).listen({ fd: settings.descriptor })
