import type { AtomicDbInterface, AtomicDbItemKey } from '../../interface.ts'
import type { Row } from '../../storage.ts'

/** Which database, in the place of a table of DynamoDB. */
export interface ChosenStore {
  /** Its option. */
  kind: string
  address: string
  /** The address as people may see it. */
  where: string
  table: string
}

/** A database that is open. */
export interface OpenStore {
  db: AtomicDbInterface
  /** A row as it is stored, whatever it holds. */
  readRow(key: AtomicDbItemKey): Promise<Row | undefined>
  close(): Promise<void>
}

/** Opens and makes databases of one kind. What it needs is loaded when it is called. */
export interface Store {
  /** @throws Refusal where there is nothing at this address. */
  open(chosen: ChosenStore): Promise<OpenStore>
  /** `lockrow table create`. */
  create(chosen: ChosenStore): Promise<{ record: { created: boolean } & Record<string, unknown> }>
}
