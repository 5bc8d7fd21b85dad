// oidc-provider as its documentation starts it; everything else is in the file it is given.
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';

// Node.js 18 has it, but not as a global.
globalThis.crypto ??= webcrypto;
const { Provider } = await import('oidc-provider');

const { issuer, port, people, configuration } = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const provider = new Provider(issuer, {
  ...configuration,
  findAccount: (context, id) =>
    id in people ? { accountId: id, claims: () => ({ sub: id, ...people[id] }) } : undefined,
});
const server = provider.listen(port, '127.0.0.1');

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
