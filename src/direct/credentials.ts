/** What requests are signed with. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string
  /** When they stop to count. Without it, they are kept until the service refuses them. */
  readonly expiration?: Date
  /** The account, 12 digits: with it, requests go to the endpoint of the account. */
  readonly accountId?: string
}

/**
 * Gives credentials whenever new ones are needed: before the last ones expire, and when the service calls them expired.
 * `fromNodeProviderChain()` of `@aws-sdk/credential-providers` is one.
 */
export type CredentialsProvider = () => Promise<Credentials>

/** Where a client has its credentials from. */
export interface CredentialSource {
  /** The credentials that count now, unless somebody must be asked for them. */
  held(): Credentials | undefined
  /** The credentials that count now. The signal ends this wait only: others may wait for the same refresh. */
  current(signal?: AbortSignal): Promise<Credentials>
  /** The service has called these expired: the next `current` gives newer ones, or fails. */
  expired(used: Credentials): void
}
