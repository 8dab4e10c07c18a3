import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { UnitMeter } from '../../console/index.ts'

interface Consumed {
  CapacityUnits?: number | undefined
}

/** Has every reply of a client say what it consumed, and tells the meter. */
export function meterClient(client: DynamoDBClient, meter: UnitMeter): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const operation = String(context.commandName)
      if (operation.startsWith('Describe')) return next(args)
      const reply = await next({
        ...args,
        input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } as never,
      })
      const { ConsumedCapacity: consumed } = reply.output as { ConsumedCapacity?: Consumed | Consumed[] }
      for (const { CapacityUnits: units } of [consumed ?? []].flat()) meter.onRequest({ operation, units })
      return reply
    },
    { step: 'initialize', name: 'lockrowUnits' },
  )
}
