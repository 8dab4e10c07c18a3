import { linkTo } from '../route.ts'

export function Tabs({ queue, tab, dead }: { queue: string; tab: string; dead?: number | undefined }) {
  const link = (name: string, label: string) => (
    <a
      href={linkTo('queues', [queue], name === 'messages' ? {} : { tab: name })}
      aria-current={tab === name ? 'page' : undefined}
    >
      {label}
    </a>
  )
  return (
    <nav class="tabs" aria-label="Parts of the queue">
      {link('messages', 'Messages')}
      {link('dead', `Dead letters${dead === undefined ? '' : ` (${dead})`}`)}
      {link('schedules', 'Schedules')}
    </nav>
  )
}
