import { describeModule } from './module.js';

describeModule('Dispatch');
