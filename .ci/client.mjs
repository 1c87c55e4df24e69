// Posts a file with fetch or http.request. Prints the status, or the code or name of the error.
// Usage: client.mjs fetch|http URL FILE
import { readFileSync } from 'node:fs';
import { request } from 'node:http';

const [client, url, file] = process.argv.slice(2);
const body = readFileSync(file);

function byHttp() {
    return new Promise((resolve, reject) => {
        const sent = request(url, { method: 'POST', headers: { 'Content-Length': body.length }, timeout: 20_000 });
        sent.on('response', (response) => resolve(response.resume().statusCode));
        sent.on('error', reject);
        sent.end(body);
    });
}

try {
    console.log(client === 'fetch' ? (await fetch(url, { method: 'POST', body })).status : await byHttp());
} catch (error) {
    console.log(error.cause?.code ?? error.code ?? error.name);
}
