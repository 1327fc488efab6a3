import { describeModule } from './module.js';

describeModule('Namespace');
