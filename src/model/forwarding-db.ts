import type { AtomicDbInterface } from '../interface.ts'
import type { Runtime } from '../runtime.ts'
import type { ScanPage } from '../storage.ts'
import { checkDb } from './checks.ts'
import { databaseIdentity, type Identified, identityOf } from './database-identity.ts'
import { type ContractMethod, contractMethods } from './effects.ts'
import { rowScan, type Scannable, type ScanRowsOptions, scanRows } from './scan-rows.ts'

export type { ContractMethod }

/** The arguments and the answer of a method of the contract. */
export type ArgumentsOf<M extends ContractMethod> = Parameters<AtomicDbInterface[M]>
/** What a method of the contract returns. */
export type AnswerOf<M extends ContractMethod> = ReturnType<AtomicDbInterface[M]>

/**
 * A database that passes every call on to another one, all arguments included: the base of wrappers, which state only
 * what they change. A method that the contract gains later is passed on without a change here.
 *
 * @example
 * class Counted extends ForwardingDb {
 *   calls = 0
 *   protected override forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
 *     this.calls++
 *     return super.forward(method, args)
 *   }
 * }
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the first wrapper defines every method of the contract
export abstract class ForwardingDb implements Scannable, Identified {
  // Without a computed name and a static block, bundlers can drop a class that nobody uses.
  declare readonly [databaseIdentity]: object
  /** For `scanRows`: the rows of the database that is wrapped. */
  declare readonly [rowScan]: Scannable[typeof rowScan]

  /** The database that is wrapped. */
  protected readonly db: AtomicDbInterface

  constructor(db: AtomicDbInterface) {
    checkDb(db)
    forwardContract(ForwardingDb)
    this.db = db
    this[databaseIdentity] = identityOf(db)
    this[rowScan] = (options) => this.scan(options)
  }

  get runtime(): Runtime {
    return this.db.runtime
  }
  /** Bound on each call that does not say otherwise, ms. */
  get timeoutMs(): number | undefined {
    return (this.db as { timeoutMs?: number }).timeoutMs
  }
  /** Time until all calls end together, ms. Undefined: there is no such end. */
  get leftMs(): number | undefined {
    return (this.db as { leftMs?: number }).leftMs
  }
  /** The database for calls that end what was begun. Where there is an end, they may come a little later. */
  get ending(): AtomicDbInterface {
    return this
  }

  /** Called for each call of a method that the subclass does not define itself. */
  protected forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const call = this.db[method] as (...given: ArgumentsOf<M>) => AnswerOf<M>
    return call.apply(this.db, args)
  }

  /** Called for each page of `scanRows`. */
  protected scan(options: ScanRowsOptions): Promise<ScanPage> {
    return scanRows(this.db, options)
  }
}

export interface ForwardingDb extends AtomicDbInterface {}

/** Defines the methods of the contract that are not there: all of them, when the first wrapper is made. */
function forwardContract({ prototype }: typeof ForwardingDb): void {
  for (const method of contractMethods) {
    if (Object.hasOwn(prototype, method)) return
    const value = function (this: ForwardingDb, ...args: never[]) {
      return this.forward(method, args as unknown as ArgumentsOf<typeof method>)
    }
    Object.defineProperty(value, 'name', { value: method })
    Object.defineProperty(prototype, method, { value, writable: true, configurable: true })
  }
}
