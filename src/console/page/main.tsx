import { render } from 'preact'
import { takeToken } from './api.ts'
import { App } from './app.tsx'
import { followHands } from './live.ts'
import { followAddress } from './route.ts'
import { followTheme } from './theme.ts'

takeToken()
// The link is opened again in the tab that has the page already.
addEventListener('hashchange', takeToken)
followAddress()
followTheme()
followHands()

const root = document.getElementById('app')!
root.textContent = ''
render(<App />, root)
