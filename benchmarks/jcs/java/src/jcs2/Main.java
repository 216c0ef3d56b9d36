// SPDX-License-Identifier: Apache-2.0
package jcs2;

import driver.Driver;
import driver.Region;
import org.apache.commons.jcs.JCS;
import org.apache.commons.jcs.access.CacheAccess;

/** The driver over JCS 2.x. */
public final class Main {
    private Main() {
    }

    public static void main(String[] args) throws Exception {
        CacheAccess<String, String> jcs = JCS.getInstance("Bench");
        Driver.serve(new Region() {
            @Override
            public void put(String key, String value) throws Exception {
                jcs.put(key, value);
            }

            @Override
            public String get(String key) {
                return jcs.get(key);
            }
        });
    }
}
