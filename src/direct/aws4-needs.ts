/**
 * What `aws4` takes from Node when it is bundled (see tsdown.config.ts): without `url` and `querystring`, which it needs
 * for addresses given as text and for queries, and without `require`, which an ES module does not have.
 */
export { createHash, createHmac } from 'node:crypto'
