import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

/** The package as npm packs it, in empty projects of every kind. */
const root = resolve(import.meta.dirname, '../..')
const work = mkdtempSync(join(tmpdir(), 'lockrow-package-'))
const modules = join(root, 'node_modules')

/** A project with the packed files and, as links, the dependencies that it says it has. */
function project(name: string, files: Record<string, string>, dependencies: readonly string[] = []): string {
  const folder = join(work, name)
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(join(work, 'package'), join(folder, 'node_modules/lockrow'))
  for (const dependency of dependencies) {
    const link = join(folder, 'node_modules', dependency)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(modules, dependency), link)
  }
  for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, file), content)
  return folder
}

const run = (folder: string, ...args: string[]) => {
  const done = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })
  return { code: done.status, out: done.stdout.trim(), err: done.stderr }
}

/** A project with the command linked as npm does. */
function commandLine(name: string): string {
  const folder = project(name, { 'package.json': '{}' })
  const { bin } = JSON.parse(readFileSync(join(work, 'package/package.json'), 'utf8'))
  mkdirSync(join(folder, 'node_modules/.bin'))
  symlinkSync(join('../lockrow', bin.lockrow), join(folder, 'node_modules/.bin/lockrow'))
  return folder
}

function npx(folder: string, ...args: string[]) {
  const done = spawnSync('npx', ['--no-install', '--', 'lockrow', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: work, npm_config_update_notifier: 'false' },
  })
  return { code: done.status, out: done.stdout.trim(), err: done.stderr }
}

/** When a file of the sources was last changed. */
const newest = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
      entry.isFile() ? statSync(join(entry.parentPath, entry.name)).mtimeMs : 0,
    ),
  )

beforeAll(() => {
  const built = join(root, 'dist/index.d.mts')
  if (
    !existsSync(built) ||
    statSync(built).mtimeMs < Math.max(newest(join(root, 'src')), newest(join(root, 'infra')))
  )
    execFileSync('npm', ['run', 'build', '--silent'], { cwd: root, stdio: 'pipe' })
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', work], {
    cwd: root,
    stdio: 'pipe',
  })
  const tarball = readFileSync(join(root, 'package.json'), 'utf8').match(/"version": "([^"]+)"/)![1]
  execFileSync('tar', ['-xzf', join(work, `lockrow-${tarball}.tgz`), '-C', work])
  // The package's own dependency, and nothing else, lies beside it.
  mkdirSync(join(work, 'package/node_modules'), { recursive: true })
  symlinkSync(join(modules, 'lru-cache'), join(work, 'package/node_modules/lru-cache'))
}, 120_000)
afterAll(() => rmSync(work, { recursive: true, force: true }))

const program = `
const db = new AtomicMemoryDb()
await db.set({ pk: 'a', sk: 'b', data: { n: 1 } })
const { item } = await db.update({ pk: 'a', sk: 'b' }, { add: { n: 41 } })
const mutex = new Mutex(db, { pk: 'm', sk: 'm' }, { ttlMs: 1000 })
console.log(item.data.n, await mutex.run(({ fencingToken }) => fencingToken))
`

describe('the packed package', () => {
  it('holds what it needs and nothing else', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const listed = execFileSync('tar', ['-tzf', join(work, `lockrow-${version}.tgz`)], { encoding: 'utf8' })
      .trim()
      .split('\n')
    expect(
      listed.every((file) =>
        /^package\/(dist\/|docs\/[a-z-]+\.md$|docs\/images\/[a-z-]+\.svg$|README\.md|LICENSE|CHANGELOG\.md|THIRD-PARTY\.md|package\.json)/.test(
          file,
        ),
      ),
    ).toBe(true)
    for (const entry of [
      'index',
      'dynamo',
      'direct',
      'backend',
      'recipes',
      'schedules',
      'testing',
      'cdk',
      'otel',
      'collections',
      'sqlite',
      'postgres',
      'redis',
      'console',
    ])
      for (const ending of ['mjs', 'cjs', 'd.mts', 'd.cts'])
        expect(listed).toContain(`package/dist/${entry}.${ending}`)
    // What the README links to comes along.
    const readme = readFileSync(join(work, 'package/README.md'), 'utf8')
    const linked = [...readme.matchAll(/\]\((docs\/[^)#]+)/g)].map(([, path]) => `package/${path}`)
    expect(linked.length).toBeGreaterThan(10)
    expect(linked.filter((path) => !listed.includes(path))).toEqual([])
    // They would be more than half of it.
    expect(listed.filter((file) => file.endsWith('.map'))).toEqual([])
    const manifest = JSON.parse(readFileSync(join(work, 'package/package.json'), 'utf8'))
    expect(Object.keys(manifest.dependencies)).toEqual(['lru-cache'])
    expect(manifest.sideEffects).toBe(false)
    // By these npm makes links of the README's, and provenance is checked against the first.
    expect(manifest.repository.url).toMatch(/^git\+https:\/\/.+\.git$/)
    expect([manifest.homepage, manifest.bugs].every((address) => URL.canParse(address))).toBe(true)
    for (const script of ['preinstall', 'install', 'postinstall'])
      expect(manifest.scripts[script]).toBeUndefined()
  })

  it.each(['mjs', 'cjs'])('starts the thread of Liveness, as %s', (format) => {
    const blocked = `
      const db = new AtomicMemoryDb()
      const thread = { module: require('node:url').pathToFileURL(require('node:path').resolve('make-db.${format}')) }
      const liveness = await new Liveness(db, { heartbeatMs: 200, deadAfterMs: 2000, thread }).start()
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)
      console.log(liveness.isAlive)
      await liveness.stop()
      console.log(liveness.isAlive)`
    const folder = project(`thread-${format}`, {
      'package.json': '{}',
      'make-db.mjs': `import { AtomicMemoryDb } from 'lockrow'\nexport default () => new AtomicMemoryDb()`,
      'make-db.cjs': `const { AtomicMemoryDb } = require('lockrow')\nexports.default = () => new AtomicMemoryDb()`,
      'esm.mjs': `import { createRequire } from 'node:module'
          import { AtomicMemoryDb, Liveness } from 'lockrow'
          const require = createRequire(import.meta.url)${blocked}`,
      'cjs.cjs': `const { AtomicMemoryDb, Liveness } = require('lockrow')\n;(async () => {${blocked}})()`,
    })
    expect(run(folder, format === 'mjs' ? 'esm.mjs' : 'cjs.cjs')).toMatchObject({
      code: 0,
      out: 'true\nfalse',
    })
  })

  it('runs as ESM and as CJS without the AWS SDK', () => {
    const folder = project('plain', {
      'package.json': '{"type":"module"}',
      'esm.mjs': `import { AtomicMemoryDb, Mutex } from 'lockrow'\n${program}`,
      'cjs.cjs': `const { AtomicMemoryDb, Mutex } = require('lockrow')\n;(async () => {${program}})()`,
    })
    expect(run(folder, 'esm.mjs')).toMatchObject({ code: 0, out: '42 1' })
    expect(run(folder, 'cjs.cjs')).toMatchObject({ code: 0, out: '42 1' })
  })

  it('has a command line, which says what it needs', () => {
    const folder = commandLine('bare-cli')
    const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version
    expect(npx(folder, '--version')).toMatchObject({ code: 0, out: version, err: '' })
    const ran = npx(folder, 'get', 'a', 'b', '--table', 't')
    expect(ran).toMatchObject({ code: 2, out: '' })
    expect(ran.err).toBe('lockrow: the AWS SDK is missing: npm install @aws-sdk/client-dynamodb\n')
  })

  it('what the command line is made of is in no other file', () => {
    const filesWith = (text: string) =>
      readdirSync(join(work, 'package/dist')).filter(
        (file) =>
          /\.[cm]js$/.test(file) && readFileSync(join(work, 'package/dist', file), 'utf8').includes(text),
      )
    expect(filesWith('CommanderError')).toEqual([])
    expect(filesWith('cli-progress')).toEqual([])
    // Whose licence asks for it is named.
    const inside = readFileSync(join(work, 'package/dist/cli/index.mjs'), 'utf8')
    expect(inside).toContain('CommanderError')
    const regions = inside.matchAll(/^\/\/#region .*?node_modules\/((?:@[^/]+\/)?[^/]+)\//gm)
    const named = readFileSync(join(work, 'package/THIRD-PARTY.md'), 'utf8')
    const bundled = [...new Set([...regions].map(([, name]) => name!))]
    expect(bundled).toContain('commander')
    expect(bundled.filter((name) => !named.includes(name))).toEqual([])
  })

  it('the main entry never loads the AWS SDK, also where it is installed', () => {
    const folder = project(
      'lazy',
      {
        'main.cjs': `require('lockrow'); require('lockrow/testing'); console.log(Object.keys(require.cache).filter((file) => file.includes('@aws-sdk') || file.includes('@smithy')).length)`,
        'dynamo.mjs': `import { AtomicDynamoDB } from 'lockrow/dynamo'\nimport { InvalidInput } from 'lockrow'\ntry { new AtomicDynamoDB({}, 't') } catch (e) { console.log(e instanceof InvalidInput) }`,
      },
      ['@aws-sdk/client-dynamodb'],
    )
    // The packed copy looks for its peers beside the project's own.
    symlinkSync(join(modules, '@aws-sdk'), join(work, 'package/node_modules/@aws-sdk'))
    expect(run(folder, 'main.cjs')).toMatchObject({ code: 0, out: '0' })
    expect(run(folder, 'dynamo.mjs')).toMatchObject({ code: 0, out: 'true' })
  })

  it('has a command line, which works on a table', () => {
    const folder = commandLine('cli')
    const where = ['--table', `package-${randomUUID()}`, '--endpoint', inject('dynamoEndpoint'), '--json']
    expect(JSON.parse(npx(folder, 'table', 'create', ...where).out)).toMatchObject({ created: true })
    expect(npx(folder, 'queue', 'push', 'jobs', '{"n":1}', ...where)).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(npx(folder, 'queue', 'peek', 'jobs', ...where).out)).toMatchObject({ data: { n: 1 } })
  })

  it.each(['mjs', 'cjs'])(
    'what only the twin or the cache needs is not in lockrow/dynamo, as %s',
    (format) => {
      const dist = join(work, 'package/dist')
      const own = new Set<string>()
      const follow = (file: string): string => {
        if (own.has(file)) return ''
        own.add(file)
        const text = readFileSync(join(dist, file), 'utf8')
        const imported = [...text.matchAll(/(?:from |require\()["']\.\/([^"']+)["']/g)].map(
          ([, name]) => name!,
        )
        return text + imported.map(follow).join('')
      }
      const text = follow(`dynamo.${format}`)
      expect(own.size).toBeGreaterThan(1)
      expect(text).toMatch(/AtomicDynamoDB = class/)
      for (const other of ['src/memory/', 'src/lru/'])
        expect(text.includes(other), `lockrow/dynamo loads a chunk with ${other}`).toBe(false)
      expect(text).not.toMatch(/node_modules\/sorted-btree|['"]lru-cache['"]/)
      // The test sees these where they are.
      own.clear()
      const all = follow(`index.${format}`)
      for (const there of [/src\/memory\//, /src\/lru\//, /node_modules\/sorted-btree/, /['"]lru-cache['"]/])
        expect(all).toMatch(there)
      expect(all).not.toMatch(/AtomicDynamoDB = class/)
    },
  )

  it('errors are recognised between the ESM and the CJS copy', () => {
    const folder = project('copies', {
      'main.mjs': `
        import { createRequire } from 'node:module'
        import { RaceCondition, InvalidInput, AtomicDbError } from 'lockrow'
        const other = createRequire(import.meta.url)('lockrow')
        const error = new other.RaceCondition('x', [])
        class Mine extends RaceCondition {}
        console.log(other.RaceCondition === RaceCondition, error instanceof RaceCondition, error instanceof AtomicDbError, error instanceof InvalidInput, error instanceof Mine)`,
    })
    expect(run(folder, 'main.mjs')).toMatchObject({ code: 0, out: 'false true true false false' })
  })

  it('is typed for node16, as ESM and CJS, and for bundlers', () => {
    const typed = `import { AtomicMemoryDb, type AtomicDbItem, type AtomicDbPage, anyOf, atomic } from 'lockrow'
const db = new AtomicMemoryDb()
const item: Promise<AtomicDbItem<{ n: number }> | undefined> = db.get<{ n: number }>({ pk: 'a', sk: 'b' })
// @ts-expect-error a key has two parts
db.get({ pk: 'a' })
interface Shoe {
  stock: number
  state: 'open' | 'closed'
}
const key = { pk: 'a', sk: 'b' }
void db.update<Shoe>(key, { add: { stock: -1 } }, { if: anyOf<Shoe>({ stock: 1 }, { state: 'open' }) })
// @ts-expect-error a typo in a guard, also inside a combined condition
void db.update<Shoe>(key, { add: { stock: -1 } }, { if: anyOf<Shoe>({ stok: 1 }) })
// @ts-expect-error a condition on other items
void db.update<Shoe>(key, { add: { stock: -1 } }, { if: anyOf<{ name: string }>({ name: 'x' }) })
export const next = (page: AtomicDbPage) => db.page({ pk: 'a', cursor: page.cursor })
export const done = [item, atomic(db).set({ pk: 'a', sk: 'b' }).commit()]
`
    const folder = project('typed', { 'package.json': '{}', 'a.mts': typed, 'b.cts': typed }, [
      '@types/node',
      'undici-types',
    ])
    const tsc = (module: string, resolution: string, ...files: string[]) =>
      run(
        folder,
        join(modules, 'typescript/bin/tsc'),
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--target',
        'es2022',
        '--module',
        module,
        '--moduleResolution',
        resolution,
        '--types',
        'node',
        ...files,
      )
    expect(tsc('node16', 'node16', 'a.mts', 'b.cts')).toMatchObject({ code: 0, out: '' })
    expect(tsc('esnext', 'bundler', 'a.mts')).toMatchObject({ code: 0, out: '' })
  }, 120_000)

  it('lockrow/direct runs as ESM and as CJS, and is typed, where there is no AWS SDK', () => {
    const program = `
const client = directClient({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } })
const db = new AtomicDynamoDB(client, 'none', { retry: { attempts: 1 } })
const error = await db.get({ pk: 'a', sk: 'b' }).catch((error) => error)
console.log(error instanceof BackendError, error.message.includes('ECONNREFUSED'))
`
    const folder = project(
      'direct',
      {
        'package.json': '{}',
        'esm.mjs': `import { BackendError } from 'lockrow'\nimport { AtomicDynamoDB, directClient } from 'lockrow/direct'\n${program}`,
        'cjs.cjs': `const { BackendError } = require('lockrow')\nconst { AtomicDynamoDB, directClient } = require('lockrow/direct')\n;(async () => {${program}})()`,
        'typed.mts': `import { AtomicDynamoDB, type DirectClient, directClient } from 'lockrow/direct'
const client: DirectClient = directClient({ region: 'eu-west-1' })
// @ts-expect-error there is no such option
directClient({ regoin: 'eu-west-1' })
export const item = new AtomicDynamoDB(client, 'none').get<{ n: number }>({ pk: 'a', sk: 'b' })
`,
      },
      ['@types/node', 'undici-types'],
    )
    expect(run(folder, 'esm.mjs')).toMatchObject({ code: 0, out: 'true true' })
    expect(run(folder, 'cjs.cjs')).toMatchObject({ code: 0, out: 'true true' })
    const tsc = join(modules, 'typescript/bin/tsc')
    const strict = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'node16', '--types', 'node']
    expect(run(folder, tsc, ...strict, '--moduleResolution', 'node16', 'typed.mts')).toMatchObject({
      code: 0,
      out: '',
    })
    // Nor does any of its files name one.
    const dist = join(work, 'package/dist')
    for (const file of readdirSync(dist).filter((name) => /^(direct|core)/.test(name)))
      expect(readFileSync(join(dist, file), 'utf8'), file).not.toMatch(
        /(from|require\(|import\()\s*["']@(aws-sdk|smithy)/,
      )
  }, 60_000)

  it('bundles with esbuild, and what is not used stays out', () => {
    const folder = project('bundled', {
      'main.mjs': `import { path } from 'lockrow'\nconsole.log(path('a.b', 0))`,
      'package.json': '{}',
    })
    execFileSync(
      join(modules, 'esbuild/bin/esbuild'),
      [
        'main.mjs',
        '--bundle',
        '--minify',
        '--platform=node',
        '--format=cjs',
        '--outfile=out.cjs',
        '--log-level=error',
      ],
      { cwd: folder },
    )
    expect(run(folder, 'out.cjs').out).toBe('a\\.b[0]')
    expect(readFileSync(join(folder, 'out.cjs')).length).toBeLessThan(6000)
  })

  it('the backend of docs/backends.md passes the conformance suite', () => {
    const page = readFileSync(join(root, 'docs/backends.md'), 'utf8')
    const blocks = [...page.matchAll(/^```ts[^\n]*\n([\s\S]*?)^```$/gm)].map(([, code]) => code!)
    expect(blocks.length).toBeGreaterThan(4)
    const folder = project('backend', {
      'backend.ts': blocks.join('\n'),
      'package.json': '{ "type": "module" }',
    })
    const esbuild = join(modules, 'esbuild/bin/esbuild')
    execFileSync(esbuild, ['backend.ts', '--outfile=backend.js', '--log-level=error'], { cwd: folder })
    const { code, out, err } = run(folder, '--test', '--test-reporter=tap', 'backend.js')
    expect({ code, failed: out.match(/^# fail (\d+)/m)?.[1], err }).toEqual({ code: 0, failed: '0', err: '' })
    expect(Number(out.match(/^# pass (\d+)/m)?.[1])).toBeGreaterThan(300)
  }, 90_000)
})
