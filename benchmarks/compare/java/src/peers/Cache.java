// SPDX-License-Identifier: Apache-2.0
package peers;

import java.util.Map;

/** What the driver needs of a system. */
public interface Cache {
    void put(String key, String value) throws Exception;

    String get(String key) throws Exception;

    /** A value that was read from its source: kept here, told to nobody. Where values travel, it is there already. */
    default void hold(String key, String value) throws Exception {
        get(key);
    }

    /** Many puts, the quickest way that is documented. */
    default void bulk(Map<String, String> all) throws Exception {
        for (Map.Entry<String, String> e : all.entrySet()) {
            put(e.getKey(), e.getValue());
        }
    }
}
