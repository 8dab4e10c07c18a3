/** Where the time goes, from `node --cpu-prof` of one operation in a loop (Node 20): why a target is met or missed. */
export const profiles: Record<string, string[]> = {
  client: [
    'Profile of update: 93 % is the SDK (resolving its middleware anew for every call, signing, its codec), 7 % lockrow: compiling the expressions, checking and copying the input, the middleware that keeps the SDK from sending twice. Profile of query of 100: 10 % (document client) to 35 % (plain client) went into a filtered copy of the reply for a logger that does nothing; lockrow leaves that logger out.',
  ],
  twin: [
    'Profile of get: 30 % copying the item, 15 % the tree and its partition, 9 % the retry that also serves DynamoDB, 4 % the clock. Alone on the machine 1.0 to 1.2 million a second; at a million items the rows no longer fit the processor cache, for every store that keeps JS objects.',
    'Profile of set: 30 % checking and copying, 10 % the size limit, 8 % the tree, 6 % collecting garbage.',
    'Profile of setAtomic: a transaction of two rows with guards evaluated, two ULIDs, a token kept for ten minutes, both rows copied: about 10 microseconds: 15 % collecting garbage, 10 % planning, 9 % tokens, the rest spread. better-sqlite3 does two prepared statements in C and keeps no tokens.',
    'Profile of query of 100: 63 % copying a hundred items.',
  ],
  lru: [
    'Profile of a hit without copies: half is lru-cache itself with the text key (as in the bare one), the rest the check of the key (length, lone surrogates), the unambiguous text and the promise.',
  ],
  'queue-peers': [
    'The mutex of lockrow waits with jitter from 25 ms up to 250 and looks before it writes, or in line where it is fair; verrou tries to write every 20 ms; dynamodb-lock-client waits for its lease.',
  ],
}
