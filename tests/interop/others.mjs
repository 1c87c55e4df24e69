// Signs or verifies standard input with another library: `others.mjs sign|verify github|stripe|standard-webhooks`. SECRET holds the
// secret. HEADERS holds the headers, as printed by the command `countersign`.
import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods';
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';

const [what, provider] = process.argv.slice(2);
const secret = process.env.SECRET;
const body = readFileSync(0, 'utf8');
const headers = Object.fromEntries((process.env.HEADERS ?? '').split('\n').filter(Boolean).map((line) => {
    const [, name, value] = line.match(/^([^:]+): (.*)$/);
    return [name.toLowerCase(), value];
}));
const stripe = new Stripe('sk_test_of_nobody');

const others = {
    github: {
        sign: async () => ({ 'X-Hub-Signature-256': await octokitSign(secret, body) }),
        verify: () => octokitVerify(secret, body, headers['x-hub-signature-256']),
    },
    stripe: {
        sign: async () => ({ 'Stripe-Signature': stripe.webhooks.generateTestHeaderString({ payload: body, secret }) }),
        verify: async () => {
            try {
                stripe.webhooks.constructEvent(body, headers['stripe-signature'], secret);
                return true;
            } catch (error) {
                if (error.type !== 'StripeSignatureVerificationError') throw error;
                return false;
            }
        },
    },
    'standard-webhooks': {
        sign: async () => {
            const now = new Date();
            const signature = new Webhook(secret).sign('msg_1', now, body);
            return { 'webhook-id': 'msg_1', 'webhook-timestamp': Math.floor(now / 1000), 'webhook-signature': signature };
        },
        verify: async () => {
            try {
                new Webhook(secret).verify(body, headers);
                return true;
            } catch (error) {
                if (error.name !== 'WebhookVerificationError' && error.constructor.name !== 'WebhookVerificationError') throw error;
                return false;
            }
        },
    },
};

if (what === 'sign') {
    for (const [name, value] of Object.entries(await others[provider].sign())) console.log(`${name}: ${value}`);
} else {
    process.exitCode = (await others[provider].verify()) ? 0 : 1;
}
