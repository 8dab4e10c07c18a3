const shapes = {
  queues: 'M3 4h10M3 8h10M3 12h6',
  locks: 'M4 7h8v6H4zM6 7V5a2 2 0 0 1 4 0v2',
  items: 'M3 3h4v4H3zM9 3h4v4H9zM3 9h4v4H3zM9 9h4v4H9z',
  transactions: 'M3 6h9l-2.5-2.5M13 10H4l2.5 2.5',
  cost: 'M8 2v12M11 5c-1-1.4-6-1.6-6 1s6 1.2 6 4-5 2.600-6 1',
} as const

/** The icon of a view. */
export const Icon = ({ of }: { of: keyof typeof shapes }) => (
  <svg
    width="16"
    height="16"
    viewBox="0 0 16 16"
    fill="none"
    stroke="currentColor"
    stroke-width="1.5"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d={shapes[of]} />
  </svg>
)

export const Mark = () => (
  <svg width="22" height="22" viewBox="0 0 16 16" aria-hidden="true">
    <rect width="16" height="16" rx="4" fill="#4f46e5" />
    <path d="M5 4v8h6" stroke="#fff" stroke-width="2" fill="none" stroke-linejoin="round" />
  </svg>
)
