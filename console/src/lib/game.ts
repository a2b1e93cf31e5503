/** ownServer says that the game servers are not the demo's: the program writes it into the page. */
export const ownServer = document.documentElement.dataset['game'] === 'own';

/** brand is what the page calls itself. */
export const brand = ownServer ? 'Muster' : 'Ink Rush';
