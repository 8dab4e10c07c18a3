import { type Command, Option } from 'commander'
import { ACTIONS, type GrantPurpose } from '../../../infra/cdk/actions.ts'
import { literalProblem, prefixProblem } from '../../../infra/cdk/literal-keys.ts'
import type { GrantFeature, GrantMethod } from '../../../infra/cdk/methods.ts'
import { checkShards } from '../../model/shards.ts'
import { isTableName } from '../../model/table-shape.ts'
import { Refusal } from '../failures.ts'
import { type Format, formats } from '../print/formats.ts'
import type { Asked } from '../print/resources.ts'
import { action, type Host, type Session } from '../session.ts'

interface PrintFlags {
  grant: GrantPurpose
  method?: GrantMethod[]
  feature?: GrantFeature[]
  pk?: string[]
  prefix?: string[]
  queue?: string[]
  stream?: 'keys' | 'images'
}

/** `mails` or `mails:8`, with the number of its shards. */
function queueOf(text: string): { pk: string; shards?: number } {
  const [, pk, shards] = /^(.*?)(?::(\d+))?$/.exec(text)!
  refuse('--queue', literalProblem(pk!))
  return shards === undefined
    ? { pk: pk! }
    : { pk: pk!, shards: checkShards(Number(shards), '--queue: shards') }
}

function refuse(option: string, problem: string | undefined): void {
  if (problem !== undefined) throw new Refusal(`${option}: ${problem}`)
}

function askedOf(session: Session, flags: PrintFlags): Asked {
  const tableName = session.settings.table ?? 'lockrow'
  if (!isTableName(tableName)) throw new Refusal(`--table: '${tableName}' cannot be the name of a table`)
  for (const pk of flags.pk ?? []) refuse('--pk', literalProblem(pk))
  for (const prefix of flags.prefix ?? []) refuse('--prefix', prefixProblem(prefix))
  return {
    tableName,
    purpose: flags.grant,
    ...(flags.method && { methods: flags.method }),
    ...(flags.feature && { features: flags.feature }),
    pks: flags.pk ?? [],
    prefixes: flags.prefix ?? [],
    queues: (flags.queue ?? []).map(queueOf),
    stream: flags.stream && (flags.stream === 'keys' ? 'KEYS_ONLY' : 'NEW_AND_OLD_IMAGES'),
  }
}

async function print(session: Session, format: Format, flags: PrintFlags): Promise<undefined> {
  const asked = askedOf(session, flags)
  let text: string
  try {
    text = formats[format](asked)
  } catch (error) {
    // A method or feature that is not known.
    throw new Refusal((error as Error).message.replace(/^grant: /, '--'))
  }
  // As it is: neither shortened nor escaped, for a file.
  session.io.stdout.write(`${text}\n`)
  return undefined
}

export function addPrint(program: Command, host: Host): void {
  program
    .command('print')
    .description('the table and a policy as text, as the CDK construct makes them; asks nobody')
    .addArgument(program.createArgument('<format>', 'for which tool').choices(Object.keys(formats)))
    .addOption(
      new Option('--grant <what>', 'what the policy is for')
        .choices(Object.keys(ACTIONS))
        .default('readWrite'),
    )
    .option('--method <names...>', 'methods that the program calls, instead of --grant')
    .option('--feature <names...>', 'parts of the library that it uses, instead of --grant')
    .option('--pk <keys...>', 'only these partition keys, and what belongs to them')
    .option('--prefix <texts...>', 'only partition keys that begin so; ends in a separator')
    .option('--queue <names...>', "only these queues; 'mails:8' has 8 shards")
    .addOption(
      new Option('--stream <what>', 'with a stream: keys wake workers, images are for streamLambda').choices([
        'keys',
        'images',
      ]),
    )
    .action(action(host, print))
}
