import { mount } from 'svelte';
import './app.css';
import Root from './ui/Root.svelte';

mount(Root, { target: document.getElementById('app')! });
