// Posts a file by fetch or by http.request, and prints the status or what went wrong.
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
