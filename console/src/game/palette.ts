/** The colours of team 0 and team 1. They differ in lightness too, and ink has a pattern of its own. */
export const ink = ['#ff4470', '#1fb2ff'] as const;
export const inkLight = ['#ffa8bb', '#b0e6ff'] as const;
export const inkDark = ['#a8173f', '#0a5f94'] as const;
export const gold = '#ffd84d';
