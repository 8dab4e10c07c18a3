import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb'
import { AtomicDynamoDB, createTable } from 'lockrow/dynamo'
import { injectFaults, Random, startDynamoDBLocal } from 'lockrow/testing'
import { diceOf, faultRates } from './dice.ts'
import type { World } from './world.ts'

/** The injector wants a number. */
const seedNumber = (seed: string): number => new Random(seed).int(2 ** 31)

/**
 * DynamoDB Local in real time. The faults are put into the SDK's clients, below its retries: the same ones for the shop
 * by hand, on the SDK as it comes, and for the one on lockrow. No process is killed.
 */
export async function dynamoWorlds(seed: string): Promise<{ where: string; open: () => Promise<World> }> {
  const local = await startDynamoDBLocal()
  let tables = 0
  return {
    where: `DynamoDB Local at ${local.endpoint}`,
    async open() {
      const settings = {
        endpoint: local.endpoint,
        region: 'local',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }
      const calm = new DynamoDBClient(settings)
      const table = `demo-${process.pid}-${Date.now()}-${tables++}`
      await createTable(calm, table)
      const shaken = new DynamoDBClient(settings)
      const { throttled: throttle, lostReply: dropReply } = faultRates
      injectFaults(shaken, { seed: seedNumber(seed), rates: { throttle, dropReply }, log: () => {} })
      const db = new AtomicDynamoDB(shaken, table)
      const documents = DynamoDBDocumentClient.from(shaken)
      const truth = new AtomicDynamoDB(calm, table)
      return {
        runtime: truth.runtime,
        dice: diceOf(new Random(`${seed}: queue service`)),
        truth,
        start: () => ({
          runtime: db.runtime,
          db,
          table: {
            async get<T>(Key: { pk: string; sk: string }) {
              const command = new GetCommand({ TableName: table, Key, ConsistentRead: true })
              return (await documents.send(command)).Item as { data: T } | undefined
            },
            async put(Item) {
              await documents.send(new PutCommand({ TableName: table, Item }))
            },
          },
          killed: new Promise(() => {}),
        }),
        run: (main) => main(),
        async close() {
          for (const client of [documents, shaken, calm]) client.destroy()
          await local.stop()
        },
      }
    },
  }
}
