// Tests a genuine delivery, a forged delivery, an old delivery, and a verifier without a clock.
// Usage: try.mjs GLUE
import assert from "node:assert";
import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";

const { Verifier } = (await import(pathToFileURL(process.argv[2]))).default;
const secret = "whsec_It's a Secret to Everybody";

function request(body, seconds = Math.floor(Date.now() / 1000)) {
    const signature = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
    return new Request("https://hooks.example.com/stripe", {
        method: "POST",
        headers: { "Stripe-Signature": `t=${seconds},v1=${signature}` },
        body,
    });
}

async function verify(verifier, request, body) {
    return verifier.verify([...request.headers], body ?? new Uint8Array(await request.arrayBuffer()));
}

// A match of a body in pieces counts for the key.
const pieces = new Verifier(secret);
assert.equal(pieces.lastMatched(), undefined);
const encoder = new TextEncoder();
assert.equal(pieces.verifyPieces([...request("body").headers], [encoder.encode("bo"), encoder.encode("dy")]), "current");
assert.ok(Math.abs(pieces.lastMatched() - Date.now() / 1000) < 60, `the key matched at ${pieces.lastMatched()}`);

const verifier = new Verifier(secret);
assert.equal(await verify(verifier, request("body")), "current");
await assert.rejects(verify(verifier, request("body"), new TextEncoder().encode("forged")), /signature/);
await assert.rejects(verify(verifier, request("body", 1_700_000_000)), /too long ago/);
assert.throws(() => Verifier.withoutClock(secret), /no clock/);
console.log("verified the genuine delivery, and rejected the forged and the old delivery");
