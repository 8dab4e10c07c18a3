import type { LastCheck } from '../model/last-moment.ts'
import type { RequestOptions, Storage } from '../storage.ts'
import type { Context } from './context.ts'

/** A context each of whose writes leaves only if the checks pass at that moment. */
export const checkedLast = (context: Context, checks: readonly LastCheck[]): Context =>
  checks.length === 0 ? context : { ...context, storage: checking(context.storage, checks) }

function checking(storage: Storage, checks: readonly LastCheck[]): Storage {
  const checked = <O extends RequestOptions>(options: O): O => ({
    ...options,
    beforeSending() {
      options.beforeSending?.()
      for (const check of checks) check()
    },
  })
  return {
    ...(storage.batchSizes && { batchSizes: storage.batchSizes }),
    read: (keys, options) => storage.read(keys, options),
    readTogether: (keys, options) => storage.readTogether(keys, options),
    page: (range, options) => storage.page(range, options),
    scan: (scan, options) => storage.scan(scan, options),
    write: (writes, options) => storage.write(writes, checked(options)),
    apply: (operation, options) => storage.apply(operation, checked(options)),
    transact(operations, token, options) {
      // One that changes nothing settles what became of a lost one.
      const isHarmless = operations.every(({ op }) => op === 'check')
      return storage.transact(operations, token, isHarmless ? options : checked(options))
    },
  }
}
