#!/usr/bin/env node
import { exitCodes } from './failures.ts'
import { run } from './run.ts'

// Told on stderr by the SDK otherwise, in the middle of what a script reads there.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'

const stop = new AbortController()
// npx hands on the signal that the terminal sent us already: only a later one means 'at once'.
const handedOnMs = 500
let asked: number | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (asked !== undefined && performance.now() - asked > handedOnMs) process.exit(exitCodes.stopped)
    asked ??= performance.now()
    stop.abort()
  })

// `lockrow query ... | head`: whoever read us has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.refused)
})

const { env, stdin, stdout, stderr } = process
run(process.argv.slice(2), { env, stdin, stdout, stderr, signal: stop.signal }).then((code) => {
  process.exitCode = code
  // Input that nobody reads any more does not keep us.
  ;(stdin as { unref?(): void }).unref?.()
})
