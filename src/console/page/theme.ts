/** Dark or light: as the system has it, until somebody chooses. */
import { createStore } from './store.ts'

type Theme = 'light' | 'dark'
const name = 'lockrow-theme'
const dark = matchMedia('(prefers-color-scheme: dark)')
const chosen = (): Theme | undefined => (localStorage.getItem(name) as Theme | null) ?? undefined
const current = (): Theme => chosen() ?? (dark.matches ? 'dark' : 'light')

export const theme = createStore<Theme>(current())

export function followTheme(): void {
  const show = () => {
    theme.set(current())
    document.documentElement.dataset.theme = theme.get()
  }
  dark.addEventListener('change', show)
  show()
}

export function switchTheme(): void {
  localStorage.setItem(name, theme.get() === 'dark' ? 'light' : 'dark')
  theme.set(current())
  document.documentElement.dataset.theme = theme.get()
}
