// SPDX-License-Identifier: Apache-2.0
package peers;

import com.hazelcast.config.Config;
import com.hazelcast.config.InMemoryFormat;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.MapConfig;
import com.hazelcast.config.MergePolicyConfig;
import com.hazelcast.config.NearCacheConfig;
import com.hazelcast.config.ReplicatedMapConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.map.IMap;
import com.hazelcast.replicatedmap.ReplicatedMap;
import com.hazelcast.spi.merge.LatestUpdateMergePolicy;
import java.util.Map;

/** Hazelcast, members embedded. What is set, and why, is in engines.go, which prints it. */
final class Hazel {
    private Hazel() {
    }

    private static HazelcastInstance open(int port, int peer) {
        Config c = new Config();
        c.setClusterName("bench");
        c.setProperty("hazelcast.logging.type", "jdk");
        c.setProperty("hazelcast.phone.home.enabled", "false");
        c.setProperty("hazelcast.socket.bind.any", "false");
        c.setProperty("hazelcast.heartbeat.interval.seconds", "1");
        c.setProperty("hazelcast.max.no.heartbeat.seconds", "10");
        c.setProperty("hazelcast.merge.first.run.delay.seconds", "5");
        c.setProperty("hazelcast.merge.next.run.delay.seconds", "5");
        c.setProperty("hazelcast.map.invalidation.batch.enabled", "false");
        c.getMetricsConfig().setEnabled(false);
        c.getJetConfig().setEnabled(false);
        c.getNetworkConfig().setPort(port).setPortAutoIncrement(false).setPublicAddress("127.0.0.1:" + port);
        c.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
        JoinConfig join = c.getNetworkConfig().getJoin();
        join.getAutoDetectionConfig().setEnabled(false);
        join.getMulticastConfig().setEnabled(false);
        join.getTcpIpConfig().setEnabled(true).addMember("127.0.0.1:" + port).addMember("127.0.0.1:" + peer);
        MergePolicyConfig latest = new MergePolicyConfig(LatestUpdateMergePolicy.class.getName(), 1000);
        ReplicatedMapConfig r = new ReplicatedMapConfig("replicated");
        r.setInMemoryFormat(InMemoryFormat.OBJECT).setMergePolicyConfig(latest);
        c.addReplicatedMapConfig(r);
        NearCacheConfig near = new NearCacheConfig("near");
        near.setInMemoryFormat(InMemoryFormat.OBJECT).setInvalidateOnChange(true).setCacheLocalEntries(true);
        near.getEvictionConfig().setSize(2_000_000);
        MapConfig m = new MapConfig("near");
        m.setBackupCount(1).setMergePolicyConfig(latest).setNearCacheConfig(near).setPerEntryStatsEnabled(true); // the policy needs them
        c.addMapConfig(m);
        return Hazelcast.newHazelcastInstance(c);
    }

    static Cache replicated(int port, int peer) {
        ReplicatedMap<String, String> map = open(port, peer).getReplicatedMap("replicated");
        return new Cache() {
            @Override
            public void put(String key, String value) {
                map.put(key, value);
            }

            @Override
            public String get(String key) {
                return map.get(key);
            }

            @Override
            public void bulk(Map<String, String> all) {
                map.putAll(all);
            }
        };
    }

    static Cache near(int port, int peer) {
        IMap<String, String> map = open(port, peer).getMap("near");
        return new Cache() {
            @Override
            public void put(String key, String value) {
                map.set(key, value);
            }

            @Override
            public String get(String key) {
                return map.get(key);
            }

            @Override
            public void bulk(Map<String, String> all) {
                map.setAll(all);
            }
        };
    }
}
