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
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the static block defines every method of the contract
export abstract class ForwardingDb implements Scannable, Identified {
  static {
    for (const method of contractMethods) {
      const value = function (this: ForwardingDb, ...args: never[]) {
        return this.forward(method, args as unknown as ArgumentsOf<typeof method>)
      }
      Object.defineProperty(value, 'name', { value: method })
      Object.defineProperty(ForwardingDb.prototype, method, { value, writable: true, configurable: true })
    }
  }

  /** The database that is wrapped. */
  protected readonly db: AtomicDbInterface

  constructor(db: AtomicDbInterface) {
    checkDb(db)
    this.db = db
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

  get [databaseIdentity](): object {
    return identityOf(this.db)
  }

  /** Called for each call of a method that the subclass does not define itself. */
  protected forward<M extends ContractMethod>(method: M, args: ArgumentsOf<M>): AnswerOf<M> {
    const call = this.db[method] as (...given: ArgumentsOf<M>) => AnswerOf<M>
    return call.apply(this.db, args)
  }

  /** For `scanRows`: the rows of the database that is wrapped. */
  [rowScan](options: ScanRowsOptions): Promise<ScanPage> {
    return scanRows(this.db, options)
  }
}

export interface ForwardingDb extends AtomicDbInterface {}
