import { javascript } from '@codemirror/lang-javascript'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { Prec } from '@codemirror/state'
import { keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { basicSetup, EditorView } from 'codemirror'

/** Colours come from the page's style, which knows dark from light. */
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: tags.comment, color: 'var(--code-comment)' },
  { tag: [tags.typeName, tags.className], color: 'var(--code-type)' },
  { tag: tags.function(tags.variableName), color: 'var(--code-function)' },
])

export interface Editor {
  text(): string
  show(code: string): void
  close(): void
}

/** An editor of TypeScript. Ctrl+Enter calls `run`; Tab leaves it, as in every field of a page. */
export function openEditor(parent: HTMLElement, run: () => void): Editor {
  const runs = {
    key: 'Mod-Enter',
    run: () => {
      run()
      return true
    },
  }
  const view = new EditorView({
    parent,
    extensions: [
      Prec.highest(keymap.of([runs])),
      basicSetup,
      javascript({ typescript: true }),
      syntaxHighlighting(colours),
      EditorView.contentAttributes.of({ 'aria-label': 'Program' }),
    ],
  })
  return {
    text: () => view.state.doc.toString(),
    show: (code) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: code } }),
    close: () => view.destroy(),
  }
}
