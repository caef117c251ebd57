// Verifies a request, and refuses it when a byte of it was changed.
import { Webhook } from "standardwebhooks"

const [secret, body, headers] = process.argv.slice(2)
const webhook = new Webhook(secret)
webhook.verify(body, JSON.parse(headers))
try {
    webhook.verify(body.replace("{", "{ "), JSON.parse(headers))
    console.log("accepted what was changed")
} catch {
    console.log("ok")
}
