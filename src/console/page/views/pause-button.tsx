import { call } from '../api.ts'
import { confirmThen, toast } from '../parts.tsx'

interface Props {
  pk: string
  isPaused: boolean
  write: boolean
  done(): void
}

export function PauseButton({ pk, isPaused, write, done }: Props) {
  const title = write ? undefined : 'read-only: start the console with --write'
  const resume = async () => {
    try {
      await call('queue.resume', { pk })
      toast(`${pk} goes on`)
    } catch (error) {
      toast((error as Error).message, 'bad')
    }
    done()
  }
  const pause = () =>
    confirmThen({
      title: `Pause ${pk}?`,
      consequences: [
        'Nothing more is given out, until it is resumed. Pushes go on.',
        'Busy workers see it within four seconds; what they hold they may still finish.',
      ],
      expected: pk,
      action: 'Pause',
      run: async (confirm) => {
        await call('queue.pause', { pk, confirm })
        toast(`${pk} is paused`, 'warn')
        done()
      },
    })
  return (
    <>
      {isPaused && (
        <button type="button" disabled={!write} title={title} onClick={resume}>
          Resume
        </button>
      )}
      {!isPaused && (
        <button type="button" disabled={!write} title={title} onClick={pause}>
          Pause
        </button>
      )}
    </>
  )
}
