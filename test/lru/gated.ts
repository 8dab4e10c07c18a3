import { AtomicMemoryDb } from 'lockrow'
import { type AnswerOf, type ArgumentsOf, type ContractMethod, ForwardingDb } from 'lockrow/backend'

/** A database whose replies are held back and let go one by one, to try every order. */
export class GatedDb extends ForwardingDb {
  readonly inner: AtomicMemoryDb
  readonly counts: Partial<Record<ContractMethod, number>> = {}
  /** Answers instead of the database's, for reads with `consistent: false`. */
  eventual: unknown
  readonly #waiting: { method: ContractMethod; go: () => void }[] = []
  #holds = false

  constructor(inner = new AtomicMemoryDb()) {
    super(inner)
    this.inner = inner
  }

  protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    this.counts[method] = (this.counts[method] ?? 0) + 1
    if (method === 'stream') return super.forward(method, args)
    const eventual = (args[1] as { consistent?: boolean } | undefined)?.consistent === false
    // The call sees the data as they are when it arrives, the reply may come later.
    const call = async () => (eventual ? this.eventual : super.forward(method, args))
    return this.#answer(method, call()) as AnswerOf<M>
  }

  async #answer(method: ContractMethod, call: Promise<unknown>): Promise<unknown> {
    const held = this.#holds
    const result = await call
    if (held) await new Promise<void>((go) => this.#waiting.push({ method, go }))
    return result
  }

  /** From now on replies wait. */
  hold(): void {
    this.#holds = true
  }

  /** Lets all replies go, and those that follow. */
  open(): void {
    this.#holds = false
    for (const { go } of this.#waiting.splice(0)) go()
  }

  /** Lets the first reply to this method go, or a later one by its place. */
  async letGo(method: ContractMethod, place = 0): Promise<void> {
    const of = () => this.#waiting.filter((one) => one.method === method)
    for (let i = 0; i < 100 && of().length <= place; i++) await Promise.resolve()
    const one = of()[place]
    if (!one) throw new Error(`no reply to ${method} is waiting at ${place}`)
    this.#waiting.splice(this.#waiting.indexOf(one), 1)
    one.go()
    await turn()
  }
}

/** Lets every promise go on that can. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
