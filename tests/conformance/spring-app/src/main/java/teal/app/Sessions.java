package teal.app;

import javax.sql.DataSource;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.core.io.ClassPathResource;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.init.DatabasePopulatorUtils;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;
import org.springframework.session.jdbc.config.annotation.web.http.EnableJdbcHttpSession;
import org.springframework.transaction.PlatformTransactionManager;

/** Profile `sessions`: HTTP sessions are in a database (`sessions.url`) that both versions know. */
@Configuration
@EnableJdbcHttpSession
@Profile("sessions")
public class Sessions {
    @Bean
    DataSource store(@Value("${sessions.url}") String url) {
        var store = new DriverManagerDataSource(url, "sa", "");
        var tables = new ResourceDatabasePopulator(
                new ClassPathResource("org/springframework/session/jdbc/schema-h2.sql"));
        tables.setContinueOnError(true); // the other version was first
        DatabasePopulatorUtils.execute(tables, store);
        return store;
    }

    @Bean
    PlatformTransactionManager transactions(DataSource store) {
        return new DataSourceTransactionManager(store);
    }
}
