// Discovery, code with PKCE, userinfo, refresh, introspection, revocation, client credentials, device
// flow and log-out, each verified by openid-client. Prints one line for each.
import * as client from "openid-client"

const [base, password] = process.argv.slice(2)
const issuer = "http://localhost:8000/auth"
const redirect_uri = "http://127.0.0.1/cb"

// The issuer's address is that of the gateway, which the server does not need here.
const send = (url, options) => fetch(String(url).replace(issuer, base), { ...options, redirect: "manual" })
const settings = { execute: [client.allowInsecureRequests], [client.customFetch]: send }
const discover = (id, secret, method) =>
    client.discovery(new URL(issuer), id, secret, method, settings)

const cookies = new Map()
async function browse(url, form) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ")
    const method = form ? "POST" : "GET"
    const body = form && new URLSearchParams(form)
    const answer = await send(url, { method, headers: { accept: "application/json", cookie }, body })
    for (const set of answer.headers.getSetCookie()) {
        const [name, value] = set.split(";")[0].split("=")
        cookies.set(name, value)
    }
    return answer
}
const page = async (url, form) => (await browse(url, form)).json()

const app = await discover("app-orders", "secret")
console.log("discovery", app.serverMetadata().issuer)

const pkceCodeVerifier = client.randomPKCECodeVerifier()
const [nonce, state] = [client.randomNonce(), client.randomState()]
const url = client.buildAuthorizationUrl(app, {
    redirect_uri,
    scope: "openid email read",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    nonce,
    state,
    max_age: "300",
})
const form = await page(url)
const entered = { _csrf: form.csrfToken, username: "ada@example.org", password }
const loggedIn = await browse(`${base}/local/login`, entered)
const tokens = await client.authorizationCodeGrant(app, new URL(loggedIn.headers.get("location")), {
    pkceCodeVerifier,
    expectedNonce: nonce,
    expectedState: state,
    maxAge: 300,
    idTokenExpected: true,
})
console.log("code", tokens.claims().sub, tokens.scope)

const { email } = await client.fetchUserInfo(app, tokens.access_token, tokens.claims().sub)
console.log("userinfo", email)
const next = await client.refreshTokenGrant(app, tokens.refresh_token)
console.log("refresh", next.claims().sub, next.refresh_token !== tokens.refresh_token)
const said = await client.tokenIntrospection(app, next.access_token)
console.log("introspection", said.active, said.sub)
await client.tokenRevocation(app, next.refresh_token)
console.log("revocation", (await client.tokenIntrospection(app, next.access_token)).active)
const own = await client.clientCredentialsGrant(app, { scope: "read" })
console.log("client credentials", own.scope)

const tv = await discover("tv-orders", undefined, client.None())
const device = await client.initiateDeviceAuthorization(tv, { scope: "openid read" })
const code = { user_code: device.user_code }
const asked = await page(`${base}/device`)
const confirm = await page(`${base}/device`, { ...code, _csrf: asked.csrfToken })
await browse(`${base}/device`, { ...code, _csrf: confirm.csrfToken, _action: "allow" })
const ofDevice = await client.pollDeviceAuthorizationGrant(tv, device)
console.log("device", ofDevice.claims().sub, ofDevice.scope)

const end = client.buildEndSessionUrl(app, { id_token_hint: tokens.id_token })
await browse(end)
const again = await browse(client.buildAuthorizationUrl(app, {
    redirect_uri,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    prompt: "none",
}))
console.log("log-out", new URL(again.headers.get("location")).searchParams.get("error"))
