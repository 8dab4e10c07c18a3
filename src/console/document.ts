import { randomBytes } from 'node:crypto'
import type { ConsoleSettings } from './options.ts'
import { pageAsset } from './page-asset.ts'

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)

/** Nothing but our own script and style may run, and nothing but this server may be asked. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')

/** Headers of every answer. */
export const safeHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const icon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%234f46e5'/%3E%3Cpath d='M5 4v8h6' stroke='white' stroke-width='2' fill='none'/%3E%3C/svg%3E"

/** The page: one document with its script and styles. It holds no data and no secrets. */
export async function pageDocument({ title, basePath }: ConsoleSettings): Promise<Response> {
  const nonce = randomBytes(18).toString('base64url')
  const { script, style } = await pageAsset()
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · lockrow console</title>
<link rel="icon" href="${icon}">
<style nonce="${nonce}">${style}</style>
</head>
<body>
<div id="app" data-base="${escaped(basePath)}"><noscript>The console needs JavaScript.</noscript></div>
<script nonce="${nonce}">${script}</script>
</body>
</html>
`
  const headers = {
    ...safeHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy(nonce),
  }
  return new Response(html, { headers })
}
