// SPDX-License-Identifier: Apache-2.0
package peers;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.infinispan.AdvancedCache;
import org.infinispan.commons.dataconversion.MediaType;
import org.infinispan.configuration.cache.CacheMode;
import org.infinispan.configuration.cache.ConfigurationBuilder;
import org.infinispan.configuration.global.GlobalConfigurationBuilder;
import org.infinispan.conflict.MergePolicy;
import org.infinispan.context.Flag;
import org.infinispan.manager.DefaultCacheManager;
import org.infinispan.partitionhandling.PartitionHandling;
import org.infinispan.remoting.transport.jgroups.JGroupsTransport;
import org.jgroups.JChannel;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.FD_SOCK2;
import org.jgroups.protocols.FRAG4;
import org.jgroups.protocols.MERGE3;
import org.jgroups.protocols.MFC;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.TCPPING;
import org.jgroups.protocols.UFC;
import org.jgroups.protocols.UNICAST3;
import org.jgroups.protocols.VERIFY_SUSPECT2;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.protocols.pbcast.NAKACK2;
import org.jgroups.protocols.pbcast.STABLE;

/** Infinispan, embedded, over JGroups' TCP stack with a static list. What is set, and why, is in engines.go. */
final class Ispn {
    private Ispn() {
    }

    private static AdvancedCache<String, String> open(int port, int peer, ConfigurationBuilder conf) throws Exception {
        InetAddress lo = InetAddress.getByName("127.0.0.1");
        TCP tcp = new TCP();
        tcp.setBindAddress(lo).setBindPort(port).setPortRange(0);
        // The stack of jgroups-tcp.xml as Infinispan ships it, but for discovery and the failure detector's time.
        JChannel channel = new JChannel(tcp,
            new TCPPING().setInitialHosts(List.of(new InetSocketAddress(lo, port), new InetSocketAddress(lo, peer))).portRange(0),
            new MERGE3().setMinInterval(1000).setMaxInterval(3000),
            new FD_SOCK2().setOffset(1),
            new FD_ALL3().setTimeout(10000).setInterval(2000),
            new VERIFY_SUSPECT2().setTimeout(1000),
            new NAKACK2().useMcastXmit(false),
            new UNICAST3(), new STABLE(),
            new GMS().setJoinTimeout(2000).printLocalAddress(false),
            new UFC(), new MFC(), new FRAG4());
        GlobalConfigurationBuilder global = new GlobalConfigurationBuilder();
        global.transport().transport(new JGroupsTransport(channel)).clusterName("bench");
        DefaultCacheManager manager = new DefaultCacheManager(global.build());
        manager.defineConfiguration("bench", conf.build());
        return manager.<String, String>getCache("bench").getAdvancedCache();
    }

    private static ConfigurationBuilder conf(CacheMode mode) {
        ConfigurationBuilder c = new ConfigurationBuilder();
        c.clustering().cacheMode(mode);
        c.encoding().mediaType(MediaType.APPLICATION_OBJECT_TYPE);
        return c;
    }

    static Cache replicated(int port, int peer) throws Exception {
        ConfigurationBuilder c = conf(CacheMode.REPL_SYNC);
        c.clustering().partitionHandling().whenSplit(PartitionHandling.ALLOW_READ_WRITES).mergePolicy(MergePolicy.PREFERRED_NON_NULL);
        AdvancedCache<String, String> cache = open(port, peer, c);
        // What put would return is not needed: documented as the cheaper way.
        AdvancedCache<String, String> write = cache.withFlags(Flag.IGNORE_RETURN_VALUES);
        return new Cache() {
            @Override
            public void put(String key, String value) {
                write.put(key, value);
            }

            @Override
            public String get(String key) {
                return cache.get(key);
            }

            @Override
            public void bulk(Map<String, String> all) {
                write.putAll(all);
            }
        };
    }

    static Cache invalidation(int port, int peer) throws Exception {
        AdvancedCache<String, String> cache = open(port, peer, conf(CacheMode.INVALIDATION_SYNC));
        AdvancedCache<String, String> write = cache.withFlags(Flag.IGNORE_RETURN_VALUES);
        return new Cache() {
            @Override
            public void put(String key, String value) {
                write.put(key, value);
            }

            @Override
            public String get(String key) {
                return cache.get(key);
            }

            @Override
            public void hold(String key, String value) {
                cache.putForExternalRead(key, value);
            }
        };
    }
}
