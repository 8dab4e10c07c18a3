import { createHash } from 'node:crypto'

/** A Lua script, and the name under which a server remembers it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** The layout of the keys. Another one is refused. */
export const layout = '1'
/** Bytes of a version, in front of each row. */
export const versionLength = 16

// Effects are replicated and kept in the AOF as one transaction. Nothing is written before all has been looked at: an error
// in the middle of a script undoes nothing.
const common = `
local base = KEYS[1]
local function partOf(pk) return base .. ':p:' .. pk end
local function nameOf(pk, sk) return #pk .. ':' .. pk .. ':' .. sk end
local function rowOf(pk, sk) return base .. ':r:' .. nameOf(pk, sk) end
local function unlist(pk, sk)
  local part = partOf(pk)
  redis.call('ZREM', part, sk)
  if redis.call('EXISTS', part) == 0 then redis.call('ZREM', base .. ':parts', pk) end
end
`

/** Walks over a partition. Sort keys whose rows the server has let expire leave it. */
const walking = `${common}
local function walk(pk, command, first, last, each)
  local chunk = 128
  while true do
    local members = redis.call(command, partOf(pk), first, last, 'LIMIT', 0, chunk)
    for _, sk in ipairs(members) do
      local text = redis.call('GETRANGE', rowOf(pk, sk), ${versionLength}, -1)
      if text == '' then unlist(pk, sk)
      elseif each(sk, text) then return true end
    end
    if #members < chunk then return false end
    first = '(' .. members[#members]
  end
end
`

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })

/**
 * Writes rows, all or none. ARGV: token (may be empty), its outline, the time of the caller (ms), for how long tokens count
 * (ms); then for each row pk, sk, the version that it must have (`*`: any, empty: no row), its value (empty: delete it,
 * `=`: leave it), and for how long the server keeps it (ms; empty: for ever).
 * Returns `ok`; `known` and what is remembered of the token; or `changed` and the rows as they are.
 */
export const commitScript: Script = script(`${common}
local token, outline, now, life = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local tokenKey = base .. ':t:' .. token
if token ~= '' then
  local known = redis.call('GET', tokenKey)
  if known and now - tonumber(string.match(known, '^%S+')) < life then return {'known', known} end
end
local there, changed = {}, false
for i = 5, #ARGV, 5 do
  local pk, sk, expected = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local version = redis.call('GETRANGE', rowOf(pk, sk), 0, ${versionLength - 1})
  there[i] = version ~= ''
  if not there[i] then redis.call('ZCARD', partOf(pk)) end
  if expected ~= '*' and expected ~= version then changed = true end
end
if changed then
  local rows = {'changed'}
  for i = 5, #ARGV, 5 do rows[#rows + 1] = redis.call('GET', rowOf(ARGV[i], ARGV[i + 1])) end
  return rows
end
local time = redis.call('TIME')
local ms = time[1] * 1000 + math.floor(time[2] / 1000)
local added = 0
for i = 5, #ARGV, 5 do
  local pk, sk, value, px = ARGV[i], ARGV[i + 1], ARGV[i + 3], ARGV[i + 4]
  local row = rowOf(pk, sk)
  if value == '' then
    if there[i] then
      redis.call('DEL', row)
      redis.call('ZREM', base .. ':ttl', nameOf(pk, sk))
      unlist(pk, sk)
    end
  elseif value ~= '=' then
    if not there[i] then
      redis.call('ZADD', partOf(pk), 0, sk)
      if redis.call('ZCARD', partOf(pk)) == 1 then redis.call('ZADD', base .. ':parts', 0, pk) end
    end
    if px == '' then redis.call('SET', row, value)
    else
      added = added + 1
      redis.call('ZADD', base .. ':ttl', string.format('%.0f', ms + px), nameOf(pk, sk))
      redis.call('SET', row, value, 'PX', px)
    end
  end
end
if token ~= '' then
  redis.call('SET', tokenKey, ARGV[3] .. ' ' .. outline, 'PX', string.format('%.0f', 2 * life))
end
if added > 0 then
  local due = string.format('%.0f', ms - 1000)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', base .. ':ttl', '-inf', due, 'LIMIT', 0, 2 * added + 2)) do
    local colon = string.find(name, ':', 1, true)
    local length = tonumber(string.sub(name, 1, colon - 1))
    local row = base .. ':r:' .. name
    local left = redis.call('PTTL', row)
    if left == -2 then unlist(string.sub(name, colon + 1, colon + length), string.sub(name, colon + length + 2)) end
    if left < 0 then redis.call('ZREM', base .. ':ttl', name) end
  end
end
return {'ok'}
`)

/**
 * One page of a partition. ARGV: pk, the command that reads in this direction, where it begins and ends, rows and bytes at
 * most. Returns whether there are more, and of each row sk and text.
 */
export const pageScript: Script = script(`${walking}
local most, budget = tonumber(ARGV[5]), tonumber(ARGV[6])
local page, count, length = {0}, 0, 0
walk(ARGV[1], ARGV[2], ARGV[3], ARGV[4], function(sk, text)
  if count == most or length >= budget then
    page[1] = 1
    return true
  end
  count = count + 1
  length = length + #text
  page[#page + 1] = sk
  page[#page + 1] = text
end)
return page
`)

/**
 * One page of all rows in the order of their keys. ARGV: whether it begins behind a row, its pk and sk, segment, segments,
 * rows and bytes at most. Returns whether there are more, and of each row pk, sk and text.
 */
export const scanScript: Script = script(`${walking}
local segment, segments = tonumber(ARGV[4]), tonumber(ARGV[5])
local most, budget = tonumber(ARGV[6]), tonumber(ARGV[7])
local page, count, length = {0}, 0, 0
local function walkAll(pk, first)
  return walk(pk, 'ZRANGEBYLEX', first, '+', function(sk, text)
    if count == most or length >= budget then
      page[1] = 1
      return true
    end
    count = count + 1
    length = length + #text
    page[#page + 1] = pk
    page[#page + 1] = sk
    page[#page + 1] = text
  end)
end
local first = '-'
if ARGV[1] == '1' then
  first = '(' .. ARGV[2]
  if walkAll(ARGV[2], '(' .. ARGV[3]) then return page end
end
while true do
  local parts = redis.call('ZRANGEBYLEX', base .. ':parts', first, '+', 'LIMIT', 0, 128)
  for _, pk in ipairs(parts) do
    local hash = segments == 1 and 0 or tonumber(string.sub(redis.sha1hex(pk), 1, 8), 16)
    if hash % segments == segment and walkAll(pk, '-') then return page end
  end
  if #parts < 128 then return page end
  first = '(' .. parts[#parts]
end
`)

/**
 * Uses every command once on keys of its own, so that a right that is missing shows before anything is written. Returns the
 * layout of what is there, and what the server says about itself where it may be asked.
 */
export const checkScript: Script = script(`${common}
redis.call('SET', base .. ':layout', '${layout}', 'NX')
local found = redis.call('GET', base .. ':layout')
local row, set = base .. ':r:check', base .. ':p:check'
redis.call('SET', row, 'check', 'PX', 60000)
redis.call('GETRANGE', row, 0, 1)
redis.call('PTTL', row)
redis.call('MGET', row)
redis.call('DEL', row)
redis.call('ZADD', set, 0, 'check')
redis.call('ZCARD', set)
redis.call('ZRANGEBYLEX', set, '-', '+', 'LIMIT', 0, 1)
redis.call('ZREVRANGEBYLEX', set, '+', '-', 'LIMIT', 0, 1)
redis.call('ZREM', set, 'check')
redis.call('EXISTS', set)
redis.call('GET', base .. ':t:check')
redis.call('ZCARD', base .. ':parts')
redis.call('ZRANGEBYSCORE', base .. ':ttl', '-inf', '0', 'LIMIT', 0, 1)
redis.call('TIME')
local info = redis.pcall('INFO')
return {found, type(info) == 'string' and info or ''}
`)
