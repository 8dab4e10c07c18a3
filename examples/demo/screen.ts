import { type Losses, lossesInWords } from './audit.ts'

/** Colours, on a terminal that wants them. */
function painter(stream: NodeJS.WriteStream) {
  const on = stream.isTTY === true && process.env.NO_COLOR === undefined && process.env.TERM !== 'dumb'
  return (code: number, text: string) => (on ? `\x1b[${code}m${text}\x1b[0m` : text)
}

const red = 31
const green = 32
const bold = 1

const paint = /* @__PURE__ */ painter(process.stdout)

const nameWidth = Math.max(...Object.values(lossesInWords).map(({ length }) => length))
const width = 10

/** The table of what went wrong, one column for each way to write the shop. */
export function lossTable(columns: readonly { name: string; losses: Losses }[]): string {
  const head = ' '.repeat(nameWidth) + columns.map(({ name }) => paint(bold, name.padStart(width))).join('')
  const lines = (Object.keys(lossesInWords) as (keyof Losses)[]).map((kind) => {
    const cells = columns.map(({ losses }) =>
      paint(losses[kind] === 0 ? green : red, String(losses[kind]).padStart(width)),
    )
    return lossesInWords[kind].padEnd(nameWidth) + cells.join('')
  })
  return [head, ...lines].map((line) => `  ${line}`).join('\n')
}

const barWidth = 24

/** A line of progress that is written over itself on a terminal, and written at every quarter elsewhere. */
export class ProgressLine {
  readonly #name: string
  readonly #stream: NodeJS.WriteStream
  #quarter = 0
  #shownAt = 0

  constructor(name: string, stream: NodeJS.WriteStream = process.stdout) {
    this.#name = name.padEnd(width)
    this.#stream = stream
  }

  show(done: number, total: number): void {
    const isEnd = done === total
    if (this.#stream.isTTY) {
      if (!isEnd && Date.now() < this.#shownAt + 40) return
      this.#shownAt = Date.now()
      const filled = Math.round((done / Math.max(1, total)) * barWidth)
      const bar = '#'.repeat(filled).padEnd(barWidth, '.')
      this.#stream.write(`\r  ${this.#name} ${bar} ${done}/${total} orders${isEnd ? '\n' : ''}`)
      return
    }
    const quarter = Math.floor((4 * done) / Math.max(1, total))
    if (quarter > this.#quarter || (isEnd && total === 0)) {
      this.#quarter = quarter
      this.#stream.write(`  ${this.#name} ${done}/${total} orders\n`)
    }
  }
}
