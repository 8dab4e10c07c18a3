// What lockrow needs of a table, for those that are made and those that exist.

/** Names of the key and TTL attributes, as the library writes them. */
export const KEYS = { partition: 'pk', sort: 'sk', ttl: 'ttl' } as const
