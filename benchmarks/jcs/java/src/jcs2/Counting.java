// SPDX-License-Identifier: Apache-2.0
package jcs2;

import driver.Arrivals;
import java.io.IOException;
import org.apache.commons.jcs.engine.behavior.ICacheElement;
import org.apache.commons.jcs.engine.memory.lru.LRUMemoryCache;
import org.apache.commons.jcs.engine.memory.util.MemoryElementDescriptor;

/**
 * JCS's default memory, which also reports what is being stored: update itself is final in 2.x, this is
 * the step of it that may be overridden, microseconds before the map is written, under the same lock.
 */
public final class Counting<K, V> extends LRUMemoryCache<K, V> {
    @Override
    protected MemoryElementDescriptor<K, V> adjustListForUpdate(ICacheElement<K, V> ce) throws IOException {
        Arrivals.note(ce.getKey(), ce.getVal());
        return super.adjustListForUpdate(ce);
    }
}
