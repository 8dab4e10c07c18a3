import type { ConsoleOptions } from './options.ts'

/** Tells of failures of the backend once, and of the first answer after them. */
export class Troubles {
  readonly #options: Pick<ConsoleOptions, 'explain' | 'onTrouble'>
  #message: string | undefined

  constructor(options: Pick<ConsoleOptions, 'explain' | 'onTrouble'>) {
    this.#options = options
  }

  /** What the page is told of an error. */
  told(error: unknown): string {
    const message = this.#explained(error)
    if (message !== this.#message) this.#tell(message)
    return message
  }

  /** The backend has answered. */
  over(): void {
    if (this.#message !== undefined) this.#tell(undefined)
  }

  #tell(message: string | undefined): void {
    this.#message = message
    this.#options.onTrouble?.(message)
  }

  #explained(error: unknown): string {
    if (error instanceof Error && error.name === 'TimeoutError')
      return 'the database did not answer in time: does it run?'
    const { explain } = this.#options
    return explain ? explain(error) : error instanceof Error ? error.message : String(error)
  }
}
