// Runs the certified OpenID provider of npm (oidc-provider) on loopback. The first argument is the
// folder of its node_modules, the second the public key of the client that signs its requests, as a
// JSON Web Key. It prints its issuer, and ends with its standard input.
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [folder, publicKey] = process.argv.slice(2)
const found = createRequire(folder + '/').resolve('oidc-provider')
const { Provider } = await import(pathToFileURL(found))

const key = (id, alg, type, options) => {
  const { privateKey } = generateKeyPairSync(type, options)
  return { ...privateKey.export({ format: 'jwk' }), kid: id, alg, use: 'sig' }
}
const client = (id, auth, more) => ({
  client_id: id, token_endpoint_auth_method: auth, redirect_uris: ['https://game.example/back'],
  grant_types: ['authorization_code'], response_types: ['code'], ...more,
})

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [
      client('basic', 'client_secret_basic', { client_secret: 'a secret/+%: of the basic client' }),
      client('post', 'client_secret_post', { client_secret: 'a secret of the post client', id_token_signed_response_alg: 'ES256' }),
      client('signs', 'private_key_jwt', { jwks: { keys: [JSON.parse(publicKey)] }, token_endpoint_auth_signing_alg: 'ES256' }),
      client('public', 'none'),
      { client_id: 'api', client_secret: 'a secret of the api', redirect_uris: [], response_types: [], grant_types: [] },
    ],
    jwks: { keys: [key('rsa', 'RS256', 'rsa', { modulusLength: 2048 }), key('ec', 'ES256', 'ec', { namedCurve: 'P-256' })] },
    cookies: { keys: ['a key of the tests'] },
    features: {
      devInteractions: { enabled: true }, revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
    },
    pkce: { required: () => true },
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
process.stdin.resume().on('end', () => process.exit())
