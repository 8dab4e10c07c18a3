import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'tsdown'
import { expect, it } from 'vitest'
import { signedHeaders } from '../../src/direct/sign.ts'
import config from '../../tsdown.config.ts'

it('aws4 in the package signs as it does by itself, and asks for nothing by require', async () => {
  const outDir = mkdtempSync(join(tmpdir(), 'lockrow-sign-'))
  try {
    const quiet = { dts: false, config: false, logLevel: 'error', format: 'esm' } as const
    await build({ ...config[0], ...quiet, entry: { sign: 'src/direct/sign.ts' }, outDir })
    const file = join(outDir, 'sign.mjs')
    expect(readFileSync(file, 'utf8')).not.toMatch(/createRequire|__require|rolldown-runtime/)
    const bundled = (await import(pathToFileURL(file).href)) as { signedHeaders: typeof signedHeaders }
    const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' }
    const url = new URL('https://dynamodb.eu-west-1.amazonaws.com/')
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'DynamoDB_20120810.GetItem',
    }
    const request = { method: 'POST', url, headers, body: '{"ä":"𝄞"}' }
    const at = new Date('2026-11-21T09:30:00Z')
    expect(bundled.signedHeaders(request, credentials, 'eu-west-1', at)).toEqual(
      signedHeaders(request, credentials, 'eu-west-1', at),
    )
  } finally {
    rmSync(outDir, { recursive: true })
  }
})
