/// <reference lib="webworker" />
import * as lockrow from 'lockrow'
import * as collections from 'lockrow/collections'
import * as recipes from 'lockrow/recipes'
import * as schedules from 'lockrow/schedules'
import type { Level, Program, Report } from './messages.ts'
import { compile, lineOf, requireFrom } from './program.ts'
import { lineOfValues, textOf } from './text.ts'

/** The thread in which one example runs, so that the page can end it, also in the middle of a loop. */

declare const self: DedicatedWorkerGlobalScope

const modules = {
  lockrow,
  'lockrow/recipes': recipes,
  'lockrow/schedules': schedules,
  'lockrow/collections': collections,
}

const report = (message: Report): void => self.postMessage(message)

/** More would only make the page slow. */
const mostLines = 1000
let lines = 0

function print(level: Level, values: readonly unknown[]): void {
  lines++
  if (lines < mostLines) report({ type: 'line', level, text: lineOfValues(values) })
  else if (lines === mostLines)
    report({ type: 'line', level: 'warn', text: 'more than 1000 lines: the rest is not shown' })
}

for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
  console[level] = (...values: unknown[]) => print(level, values)

const fail = (error: unknown): void => {
  const line = lineOf(error)
  report({ type: 'failed', text: textOf(error), ...(line !== undefined && { line }) })
}

self.addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  fail(event.reason)
})
self.addEventListener('error', (event) => {
  event.preventDefault()
  fail(event.error ?? event.message)
})

async function run({ code }: Program): Promise<void> {
  const began = performance.now()
  try {
    await compile(code)(requireFrom(modules), {})
    report({ type: 'done', ms: performance.now() - began })
  } catch (error) {
    fail(error)
  }
}

self.addEventListener('message', (event: MessageEvent<Program>) => void run(event.data))
