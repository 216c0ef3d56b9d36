// SPDX-License-Identifier: Apache-2.0
package driver;

/** What the driver needs of a region, of whatever generation of JCS. */
public interface Region {
    void put(String key, String value) throws Exception;

    String get(String key) throws Exception;
}
